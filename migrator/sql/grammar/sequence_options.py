"""Options of sequences and identity columns (gram.y: SeqOptElem)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.grammar.typenames import simple_type
from migrator.sql.syntax import SequenceOption

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_NUMBERED = frozenset({"cache", "maxvalue", "minvalue"})


def sequence_options(c: Cursor) -> tuple[str, ...] | None:
    """Consume all options; return the parts of the OWNED BY name: empty for NONE, None if not written."""
    owner: tuple[str, ...] | None = None
    while True:
        if c.at("owned", "by"):
            c.index += 2
            owner = () if c.accept("none") else c.any_name()
        elif not sequence_option(c):
            return owner


def sequence_option(c: Cursor) -> bool:
    """Consume one option but OWNED BY; false where none stands here."""
    if c.value in _NUMBERED:
        c.index += 1
        c.number()
    elif c.accept("as"):
        simple_type(c)
    elif c.accept("increment"):
        c.accept("by")
        c.number()
    elif c.accept("start"):
        c.accept("with")
        c.number()
    elif c.accept("restart"):
        if c.accept("with") or not _ends(c):
            c.number()
    elif c.accept("no"):
        c.expect_any("cycle", "maxvalue", "minvalue")
    elif c.accept("sequence", "name"):
        c.any_name()
    else:
        return c.accept_any("cycle", "logged", "unlogged") is not None
    return True


def _ends(c: Cursor) -> bool:
    return c.kind_at() is None or (c.value != "" and not c.at_any("+", "-"))


def parenthesised_sequence_options(c: Cursor) -> tuple[SequenceOption, ...]:
    """Consume `( options )` of an identity column, where at least one must stand."""
    c.expect("(")
    if c.at(")"):
        c.fail("expected an option")
    found: list[SequenceOption] = []
    while not c.at(")"):
        found.append(_option(c))
    c.expect(")")
    return tuple(found)


def _option(c: Cursor) -> SequenceOption:
    start, kind, name = c.index, c.value, None
    if c.accept("sequence", "name"):
        *schema, last = c.any_name()
        name = QualifiedName(schema[-1] if schema else None, last)
    elif c.accept("owned", "by"):
        if not c.accept("none"):
            c.any_name()
    elif not sequence_option(c):
        c.fail("expected an option")
    return SequenceOption(text=c.slice(start), kind=kind, name=name)
