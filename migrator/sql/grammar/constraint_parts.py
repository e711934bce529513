"""Parts that constraints share: names and attributes around a constraint, references, index parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict

import msgspec

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.grammar.definition import parameters
from migrator.sql.syntax import ReferentialAction, Slice

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor


@dataclass(slots=True, kw_only=True)
class Attributes:
    """What was read of `NOT VALID`, `DEFERRABLE` and the like."""

    not_valid: bool = False
    not_enforced: bool = False
    deferrable: bool = False
    initially_deferred: bool = False
    no_inherit: bool = False


class Common(TypedDict):
    """The fields of `ConstraintBase`, ready to be passed on."""

    text: Slice
    name: str | None
    not_valid: bool
    not_enforced: bool
    deferrable: bool
    initially_deferred: bool


_SPELLINGS: dict[str, tuple[tuple[str, ...], ...]] = {
    "valid": (("not", "valid"),),
    "enforced": (("not", "enforced"), ("enforced",)),
    "deferrable": (
        ("not", "deferrable"),
        ("deferrable",),
        ("initially", "deferred"),
        ("initially", "immediate"),
    ),
    "inherit": (("no", "inherit"),),
}


def common(c: Cursor, start: int, name: str | None, *allowed: str) -> tuple[Common, Attributes]:
    """Consume the attributes after a constraint whose body began at token `start`.

    The slice leaves out a trailing NOT VALID and NOT ENFORCED. Where one of them stands before an attribute
    that belongs to the slice, or an attribute is repeated or contradicted, the constraint is not understood.
    """
    attributes, end, seen = Attributes(), c.index, set[str]()
    while True:
        before = c.index
        words = _attribute(c, allowed)
        if words is None:
            break
        if words[-1] in seen:
            c.index = before
            c.fail("a repeated attribute")
        seen.add({"deferred": "initially", "immediate": "initially"}.get(words[-1], words[-1]))
        _note(attributes, words)
        if words in {("not", "valid"), ("not", "enforced")}:
            continue
        if end != before:
            c.index = before
            c.fail("an attribute after NOT VALID or NOT ENFORCED")
        end = c.index
    if attributes.initially_deferred and "deferrable" in seen and not attributes.deferrable:
        c.fail("NOT DEFERRABLE with INITIALLY DEFERRED")
    fields = Common(
        text=c.slice(start, end),
        name=name,
        not_valid=attributes.not_valid,
        not_enforced=attributes.not_enforced,
        deferrable=attributes.deferrable or attributes.initially_deferred,
        initially_deferred=attributes.initially_deferred,
    )
    return fields, attributes


def _attribute(c: Cursor, allowed: tuple[str, ...]) -> tuple[str, ...] | None:
    for kind in allowed:
        for words in _SPELLINGS[kind]:
            if c.accept(*words):
                return words
    return None


def _note(attributes: Attributes, words: tuple[str, ...]) -> None:
    match words:
        case ("not", "valid"):
            attributes.not_valid = True
        case ("not", "enforced"):
            attributes.not_enforced = True
        case ("deferrable",):
            attributes.deferrable = True
        case ("initially", "deferred"):
            attributes.initially_deferred = True
        case ("no", "inherit"):
            attributes.no_inherit = True
        case _:
            pass


class IndexParameters(msgspec.Struct, frozen=True, kw_only=True):
    """`INCLUDE (…) WITH (…) USING INDEX TABLESPACE …`."""

    include: tuple[str, ...]
    parameters: Slice | None
    tablespace: str | None


def index_parameters(c: Cursor, *, include: bool) -> IndexParameters:
    """Consume what may follow the columns of UNIQUE, PRIMARY KEY, EXCLUDE."""
    included = c.names() if include and c.accept("include") else ()
    with_parameters = parameters(c) if c.accept("with") else None
    tablespace = c.name() if c.accept("using", "index", "tablespace") else None
    return IndexParameters(include=included, parameters=with_parameters, tablespace=tablespace)


class References(msgspec.Struct, frozen=True, kw_only=True):
    """`REFERENCES table (columns) MATCH … ON DELETE … ON UPDATE …`."""

    table: QualifiedName
    columns: tuple[str, ...]
    period: bool
    match: str | None
    on_delete: ReferentialAction
    on_update: ReferentialAction


def references(c: Cursor) -> References:
    """Consume a reference; the columns of SET NULL (columns) stay in the constraint's slice only."""
    c.expect("references")
    table = c.qualified_name()
    columns, period = key_columns(c) if c.at("(") else ((), False)
    match = c.expect_any("full", "partial", "simple") if c.accept("match") else None
    actions: dict[str, ReferentialAction] = {}
    while c.at("on"):
        event = c.value_at(1)
        if event in actions:
            c.fail("a repeated action")
        c.expect("on")
        c.expect_any("delete", "update")
        actions[event] = _referential_action(c, columns_allowed=event == "delete")
    return References(
        table=table,
        columns=columns,
        period=period,
        match=match.upper() if match else None,
        on_delete=actions.get("delete", ReferentialAction.NO_ACTION),
        on_update=actions.get("update", ReferentialAction.NO_ACTION),
    )


def _referential_action(c: Cursor, *, columns_allowed: bool) -> ReferentialAction:
    for action in ReferentialAction:
        if c.accept(*action.value.lower().split()):
            if c.at("(") and columns_allowed and action.name.startswith("SET"):
                c.names()
            return action
    return c.fail("expected a referential action")


def key_columns(c: Cursor) -> tuple[tuple[str, ...], bool]:
    """Consume `(a, b, PERIOD c)` of a foreign key."""
    c.expect("(")
    found: list[str] = []
    period = False
    while True:
        period = c.at("period") and c.at_name(ahead=1)
        c.index += period
        found.append(c.name())
        if period or not c.accept(","):
            break
    c.expect(")")
    return tuple(found), period
