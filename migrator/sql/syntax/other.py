"""DROP, COMMENT, GRANT, data, session settings, transactions, and what is only known or opaque."""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax.slices import Slice


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """DROP of a table, index, view, function, trigger, type, sequence, schema and the like."""

    object_kind: str
    names: tuple[QualifiedName, ...]
    on_table: QualifiedName | None = None
    """DROP TRIGGER | POLICY | RULE name ON table."""
    if_exists: bool = False
    cascade: bool = False
    concurrently: bool = False
    items: tuple[Slice, ...] = ()
    """Each object as written: a function with its argument types."""


class Comment(msgspec.Struct, frozen=True, kw_only=True):
    """COMMENT ON kind name IS …; `relation` where the object is one or hangs on one."""

    object_kind: str
    relation: QualifiedName | None = None


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """GRANT or REVOKE; `relations` where privileges on named tables or sequences are meant."""

    revoke: bool
    object_kind: str
    relations: tuple[QualifiedName, ...] = ()


class Insert(msgspec.Struct, frozen=True, kw_only=True):
    """INSERT INTO; `values_only` where it is INSERT … VALUES with no subquery."""

    table: QualifiedName
    values_only: bool = False


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """`column = value` of SET; `value` is DEFAULT or an expression."""

    column: str
    value: Slice


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """UPDATE [ONLY] table [alias] SET … [FROM …] [WHERE …] [RETURNING …].

    `assignments` is empty where a multi-column or subscripted assignment stands (then only refusal is right).
    """

    table: QualifiedName
    only: bool = False
    alias: str | None = None
    target: Slice
    """Table, `*` and alias as written, between UPDATE [ONLY] and SET."""
    assignments: tuple[Assignment, ...] = ()
    set_clause: Slice
    """What stands after SET, up to FROM, WHERE or RETURNING."""
    from_clause: Slice | None = None
    where: Slice | None = None
    with_clause: bool = False
    returning: bool = False


class Delete(msgspec.Struct, frozen=True, kw_only=True):
    """DELETE FROM [ONLY] table [alias] [USING …] [WHERE …]."""

    table: QualifiedName
    only: bool = False
    alias: str | None = None
    target: Slice
    using: Slice | None = None
    where: Slice | None = None
    with_clause: bool = False
    returning: bool = False


class SetVariable(msgspec.Struct, frozen=True, kw_only=True):
    """SET [SESSION | LOCAL] name, RESET, SET ROLE, SET TIME ZONE; `value` None means RESET or DEFAULT."""

    name: str
    value: Slice | None
    local: bool = False


class TransactionControl(msgspec.Struct, frozen=True, kw_only=True):
    """BEGIN, COMMIT, ROLLBACK …; `kind` is BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, ROLLBACK TO."""

    kind: str


class Select(msgspec.Struct, frozen=True, kw_only=True):
    """A SELECT or VALUES that stands by itself (it may call functions: volatile for all we know)."""


class KnownForm(msgspec.Struct, frozen=True, kw_only=True):
    """A statement recognised by its words; its details do not matter for planning. `kind`: `CREATE POLICY`.

    Only for statements whose every token was consumed by a rule; `relations` are those it names.
    """

    kind: str
    relations: tuple[QualifiedName, ...] = ()
    names: tuple[QualifiedName, ...] = ()
    words: tuple[str, ...] = ()
    """What else was written and matters: `CASCADE`, `RESTART IDENTITY`, `WITH NO DATA`, …"""
    options: Slice | None = None
    """Options in parentheses, as written (REINDEX)."""


class Opaque(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that was not understood completely; `reason` says where reading stopped."""

    reason: str
    offset: int
    """Character offset in the file of the token that was not understood."""
