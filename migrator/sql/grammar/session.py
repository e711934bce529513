"""SET, RESET and transaction control (gram.y: VariableSetStmt, VariableResetStmt, TransactionStmt)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.sql.keywords import RESERVED
from migrator.sql.syntax import Command, KnownForm, SetVariable, Slice, TransactionControl
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_ISOLATION = (
    ("isolation", "level", "serializable"),
    ("isolation", "level", "repeatable", "read"),
    ("isolation", "level", "read", "committed"),
    ("isolation", "level", "read", "uncommitted"),
    ("read", "only"),
    ("read", "write"),
    ("deferrable",),
    ("not", "deferrable"),
)
_WORD_VALUES = frozenset({"true", "false", "on"})


def set_statement(c: Cursor) -> Command:
    """Read a statement that begins with SET."""
    c.expect("set")
    if c.accept("constraints"):
        return _set_constraints(c)
    if c.accept("session", "characteristics", "as", "transaction") or c.accept("transaction"):
        _modes(c, required=True)
        c.expect_end()
        return KnownForm(kind="SET TRANSACTION")
    scope = c.accept_any("session", "local") if c.value_at(1) not in {"to", "=", "."} else None
    if scope == "session" and c.at("authorization"):
        c.index -= 1
    name, value = setting(c)
    c.expect_end()
    return SetVariable(name=name, value=value, local=scope == "local")


def setting(c: Cursor) -> tuple[str, Slice | None]:
    """Consume what stands after SET; the value is None for DEFAULT and FROM CURRENT is not a value either."""
    if c.accept("time", "zone"):
        return "timezone", _time_zone(c)
    if c.accept("role"):
        return "role", _role(c)
    if c.accept("session", "authorization"):
        return "session_authorization", None if c.accept("default") else _role(c)
    if c.accept("schema"):
        return "search_path", _plain_string(c)
    if c.accept("names"):
        return "client_encoding", None if c.done or c.accept("default") else _plain_string(c)
    name = ".".join(c.any_name())
    if c.accept("from", "current"):
        return name, None
    c.expect_any("to", "=")
    if c.accept("default"):
        return name, None
    start = c.index
    _value(c)
    while c.accept(","):
        _value(c)
    return name, c.slice(start)


def _value(c: Cursor) -> None:
    kind = c.kind_at()
    if kind is TokenKind.STRING:
        c.constant()
    elif kind is TokenKind.WORD and c.value in _WORD_VALUES:
        c.index += 1
    elif kind in {TokenKind.WORD, TokenKind.QUOTED}:
        c.name(RESERVED)
    else:
        c.number()


def _plain_string(c: Cursor) -> Slice:
    start = c.index
    c.constant()
    return c.slice(start)


def _role(c: Cursor) -> Slice:
    start = c.index
    if c.kind_at() is TokenKind.STRING:
        c.constant()
    else:
        c.name(RESERVED)
    return c.slice(start)


def _time_zone(c: Cursor) -> Slice | None:
    if c.accept_any("default", "local"):
        return None
    start = c.index
    if c.at_any("utc", "gmt") or c.kind_at() is TokenKind.QUOTED:
        c.name()
    elif c.kind_at() is TokenKind.STRING:
        c.constant()
    else:
        c.number()
    return c.slice(start)


def _set_constraints(c: Cursor) -> Command:
    if not c.accept("all"):
        c.qualified_names()
    when = c.expect_any("deferred", "immediate")
    c.expect_end()
    return KnownForm(kind=f"SET CONSTRAINTS {when.upper()}")


def reset_statement(c: Cursor) -> Command:
    """Read a statement that begins with RESET; RESET ALL has the name `all`."""
    c.expect("reset")
    if c.accept("all"):
        name = "all"
    elif c.accept("time", "zone"):
        name = "timezone"
    elif c.accept("session", "authorization"):
        name = "session_authorization"
    else:
        name = ".".join(c.any_name())
    c.expect_end()
    return SetVariable(name=name, value=None)


def transaction_statement(c: Cursor) -> Command:
    """Read BEGIN, START TRANSACTION, COMMIT, END, ROLLBACK, ABORT, SAVEPOINT or RELEASE."""
    word = c.value
    c.index += 1
    match word:
        case "begin" | "start":
            if word == "start":
                c.expect("transaction")
            else:
                c.accept_any("work", "transaction")
            _modes(c, required=False)
            kind = "BEGIN"
        case "savepoint":
            c.name()
            kind = "SAVEPOINT"
        case "release":
            c.accept("savepoint")
            c.name()
            kind = "RELEASE"
        case _:
            kind = _end_of_transaction(c, word)
    c.expect_end()
    return TransactionControl(kind=kind)


def _end_of_transaction(c: Cursor, word: str) -> str:
    c.accept_any("work", "transaction")
    if word == "rollback" and c.accept("to"):
        c.accept("savepoint")
        c.name()
        return "ROLLBACK TO"
    if c.accept("and"):
        c.accept("no")
        c.expect("chain")
    return "COMMIT" if word in {"commit", "end"} else "ROLLBACK"


def _modes(c: Cursor, *, required: bool) -> None:
    while True:
        if not any(c.accept(*words) for words in _ISOLATION):
            if required:
                c.fail("expected a transaction mode")
            return
        required = c.accept(",")
