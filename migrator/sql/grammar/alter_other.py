"""ALTER of what is not a relation: types, domains, functions, triggers, schemas, extensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.postgres.identifiers import QualifiedName, fold
from migrator.sql.grammar.column import collation_clause
from migrator.sql.grammar.create_function import plain_option
from migrator.sql.grammar.expression import expression
from migrator.sql.grammar.objects import routine, type_object
from migrator.sql.grammar.table_constraint import table_constraint
from migrator.sql.grammar.typenames import type_name
from migrator.sql.keywords import RESERVED
from migrator.sql.syntax import AlterTypeAddValue, CheckConstraint, KnownForm
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor


def alter_type(c: Cursor) -> AlterTypeAddValue | KnownForm:
    """Read from TYPE to the end; `KnownForm.kind` says which form it is."""
    c.expect("type")
    name = type_object(c)
    if c.accept("add", "value"):
        return _add_value(c, name)
    kind = moved(c) or _rename_in_type(c) or _attributes(c)
    return _known(c, f"ALTER TYPE {kind}", name)


def _add_value(c: Cursor, name: QualifiedName) -> AlterTypeAddValue:
    if_not_exists = c.accept("if", "not", "exists")
    label = c.string()
    if c.accept_any("before", "after"):
        c.string()
    c.expect_end()
    return AlterTypeAddValue(name=name, label=label, if_not_exists=if_not_exists)


def _rename_in_type(c: Cursor) -> str | None:
    if not c.accept("rename"):
        return None
    if c.accept("value"):
        c.string()
        c.expect("to")
        c.string()
        return "RENAME VALUE"
    c.expect("attribute")
    c.name()
    c.expect("to")
    c.name()
    c.accept_any("cascade", "restrict")
    return "RENAME ATTRIBUTE"


def _attributes(c: Cursor) -> str:
    kinds: list[str] = []
    while True:
        word = c.expect_any("add", "drop", "alter")
        c.expect("attribute")
        _attribute(c, word)
        c.accept_any("cascade", "restrict")
        kinds.append(f"{word.upper()} ATTRIBUTE")
        if not c.accept(","):
            return ", ".join(kinds)


def _attribute(c: Cursor, word: str) -> None:
    if word == "drop":
        c.accept("if", "exists")
        c.name()
        return
    c.name()
    if word == "alter":
        if c.accept("set"):
            c.expect("data")
        c.expect("type")
    type_name(c)
    collation_clause(c)


def moved(c: Cursor) -> str | None:
    """Consume RENAME TO, OWNER TO or SET SCHEMA."""
    if c.accept("rename", "to"):
        c.name()
        return "RENAME TO"
    if c.accept("owner", "to"):
        c.role()
        return "OWNER TO"
    if c.accept("set", "schema"):
        c.name()
        return "SET SCHEMA"
    return None


def alter_domain(c: Cursor) -> KnownForm:
    """Read from DOMAIN to the end."""
    c.expect("domain")
    name = type_object(c)
    kind = moved(c) or _domain_action(c)
    return _known(c, f"ALTER DOMAIN {kind}", name)


def _domain_action(c: Cursor) -> str:
    if c.accept("set", "default"):
        expression(c)
        return "SET DEFAULT"
    for words in (("drop", "default"), ("set", "not", "null"), ("drop", "not", "null")):
        if c.accept(*words):
            return " ".join(words).upper()
    if c.accept("add"):
        return _add_to_domain(c)
    if c.accept("drop", "constraint"):
        c.accept("if", "exists")
        c.name()
        c.accept_any("cascade", "restrict")
        return "DROP CONSTRAINT"
    if c.accept("validate", "constraint"):
        c.name()
        return "VALIDATE CONSTRAINT"
    c.expect("rename", "constraint")
    c.name()
    c.expect("to")
    c.name()
    return "RENAME CONSTRAINT"


def _add_to_domain(c: Cursor) -> str:
    constraint = table_constraint(c)
    if not isinstance(constraint, CheckConstraint):
        c.fail("a constraint that a domain cannot have")
    return "ADD CONSTRAINT NOT VALID" if constraint.not_valid else "ADD CONSTRAINT"


def alter_routine(c: Cursor) -> KnownForm:
    """Read from FUNCTION, PROCEDURE or ROUTINE to the end."""
    word = c.expect_any("function", "procedure", "routine").upper()
    name = routine(c)
    kind = moved(c)
    if kind is None:
        kind = "OPTIONS"
        first = c.index
        while c.accept_any("immutable", "stable", "volatile") or plain_option(c):
            pass
        if c.index == first:
            c.fail("no such action")
        c.accept("restrict")
    return _known(c, f"ALTER {word} {kind}", name)


def alter_on_table(c: Cursor) -> KnownForm:
    """ALTER TRIGGER or RULE name ON table RENAME TO new."""
    word = c.expect_any("trigger", "rule").upper()
    name = QualifiedName(schema=None, name=c.name())
    c.expect("on")
    table = c.qualified_name()
    c.expect("rename", "to")
    c.name()
    c.expect_end()
    return KnownForm(kind=f"ALTER {word} RENAME TO", relations=(table,), names=(name,))


def alter_schema(c: Cursor) -> KnownForm:
    """ALTER SCHEMA name RENAME TO or OWNER TO."""
    c.expect("schema")
    name = QualifiedName(schema=None, name=c.name())
    if c.at("set"):
        c.fail("no such action")
    kind = moved(c)
    if kind is None:
        c.fail("no such action")
    return _known(c, f"ALTER SCHEMA {kind}", name)


def alter_extension(c: Cursor) -> KnownForm:
    """ALTER EXTENSION name UPDATE [TO version] or SET SCHEMA."""
    c.expect("extension")
    name = QualifiedName(schema=None, name=c.name())
    if c.accept("set", "schema"):
        c.name()
        return _known(c, "ALTER EXTENSION SET SCHEMA", name)
    c.expect("update")
    if c.accept("to"):
        if c.kind_at() is TokenKind.STRING:
            c.constant()
        else:
            c.name(RESERVED)
    return _known(c, "ALTER EXTENSION UPDATE", name)


def _known(c: Cursor, kind: str, name: QualifiedName) -> KnownForm:
    c.expect_end()
    moved_to = kind.endswith((" RENAME TO", " SET SCHEMA"))
    words = (fold(c.slice(len(c.tokens) - 1).text),) if moved_to else ()
    return KnownForm(kind=kind, names=(name,), words=words)
