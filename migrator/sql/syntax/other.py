"""DROP, COMMENT, GRANT, data, session settings, transactions, and what is only known or opaque."""

from __future__ import annotations

from dataclasses import dataclass

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax.slices import Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    """COMMENT ON kind name IS …; `relation` where the object is one or hangs on one."""

    object_kind: str
    relation: QualifiedName | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """GRANT or REVOKE; `relations` where privileges on named tables or sequences are meant."""

    revoke: bool
    object_kind: str
    relations: tuple[QualifiedName, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Insert:
    """INSERT INTO; `values_only` where it is INSERT … VALUES with no subquery."""

    table: QualifiedName
    values_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """`column = value` of SET; `value` is DEFAULT or an expression."""

    column: str
    value: Slice


@dataclass(frozen=True, slots=True, kw_only=True)
class Update:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """DELETE FROM [ONLY] table [alias] [USING …] [WHERE …]."""

    table: QualifiedName
    only: bool = False
    alias: str | None = None
    target: Slice
    using: Slice | None = None
    where: Slice | None = None
    with_clause: bool = False
    returning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetVariable:
    """SET [SESSION | LOCAL] name, RESET, SET ROLE, SET TIME ZONE; `value` None means RESET or DEFAULT."""

    name: str
    value: Slice | None
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionControl:
    """BEGIN, COMMIT, ROLLBACK …; `kind` is BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE, ROLLBACK TO."""

    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """A SELECT or VALUES that stands by itself (it may call functions: volatile for all we know)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownForm:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Opaque:
    """A statement that was not understood completely; `reason` says where reading stopped."""

    reason: str
    offset: int
    """Character offset in the file of the token that was not understood."""
