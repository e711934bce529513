"""Types as the grammar writes them, to the names of the catalogue (gram.y: Typename)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.postgres.identifiers import QualifiedName
from migrator.sql.keywords import NOT_FUNCTION
from migrator.sql.syntax import TypeName
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.cursor import Cursor

_SYSTEM_TYPES = {
    "int": "int4",
    "integer": "int4",
    "smallint": "int2",
    "bigint": "int8",
    "real": "float4",
    "boolean": "bool",
    "json": "json",
}
_SERIAL_TYPES = {
    "smallserial": "int2",
    "serial2": "int2",
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
}
_INTERVAL_ENDS = {
    "year": ("month",),
    "month": (),
    "day": ("hour", "minute", "second"),
    "hour": ("minute", "second"),
    "minute": ("second",),
    "second": (),
}
_SINGLE_PRECISION_BITS = 24

_Simple = tuple[QualifiedName, tuple[str, ...]]


def type_name(c: Cursor, *, serial: bool = False) -> TypeName:
    """Consume a type; `serial` says that the serial family has its meaning here (the column of a table).

    A type that has a length of one where none is written (`char`, `bit`) gets the modifier "1".
    """
    start = c.index
    name, modifiers = simple_type(c)
    array = _array_dimensions(c)
    own = (
        _SERIAL_TYPES.get(name.name)
        if serial and name.schema is None and not modifiers and not array
        else None
    )
    return TypeName(
        text=c.slice(start),
        name=name if own is None else QualifiedName(schema=None, name=own),
        modifiers=modifiers,
        array=array,
        serial=own is not None,
    )


def routine_type(c: Cursor) -> TypeName:
    """Consume a type of an argument or result, which may be `SETOF type` or `table.column%TYPE`."""
    start = c.index
    c.accept("setof")
    found = type_name(c)
    if c.accept("%"):
        c.expect("type")
    return TypeName(text=c.slice(start), name=found.name, modifiers=found.modifiers, array=found.array)


def simple_type(c: Cursor) -> _Simple:
    """Consume a type without array bounds."""
    word = c.value if c.kind_at() is TokenKind.WORD else ""
    if word in _SYSTEM_TYPES and c.value_at(1) != ".":
        c.index += 1
        return _system(_SYSTEM_TYPES[word])
    match word:
        case "float":
            return _float(c)
        case "double" if c.value_at(1) == "precision":
            c.index += 2
            return _system("float8")
        case "decimal" | "dec" | "numeric":
            c.index += 1
            return _system("numeric", _modifiers(c))
        case "timestamp" | "time":
            return _time(c)
        case "interval":
            return _interval(c)
        case "bit" | "character" | "char" | "varchar" | "national" | "nchar":
            return _lengthy(c)
        case _:
            return _generic(c)


def _system(name: str, modifiers: tuple[str, ...] = ()) -> _Simple:
    return QualifiedName(schema=None, name=name), modifiers


def _generic(c: Cursor) -> _Simple:
    start = c.index
    parts = c.any_name(NOT_FUNCTION)
    *schema, name = parts
    if len(schema) > 1 and not c.at("%", "type"):
        c.index = start
        c.fail("a type name with a database in front")
    return QualifiedName(schema=schema[-1] if schema else None, name=name), _modifiers(c)


def _modifiers(c: Cursor) -> tuple[str, ...]:
    if not c.accept("("):
        return ()
    found = [_modifier(c)]
    while c.accept(","):
        found.append(_modifier(c))
    c.expect(")")
    return tuple(found)


def _modifier(c: Cursor) -> str:
    """A number, word or string; the server's grammar has any expression here, no type takes one."""
    start = c.index
    if c.kind_at() is TokenKind.STRING:
        c.constant()
    elif c.at_name():
        c.name()
    else:
        c.number()
    return c.slice(start).text


def _one_number(c: Cursor) -> tuple[str, ...]:
    if not c.accept("("):
        return ()
    if c.kind_at() is not TokenKind.NUMBER or not c.text(c.index).isdigit():
        c.fail("expected a whole number")
    number = c.number()
    c.expect(")")
    return (number,)


def _float(c: Cursor) -> _Simple:
    c.index += 1
    bits = _one_number(c)
    return _system("float4" if bits and int(bits[0]) <= _SINGLE_PRECISION_BITS else "float8")


def _time(c: Cursor) -> _Simple:
    word = c.expect_any("timestamp", "time")
    modifiers = _one_number(c)
    if c.accept("with", "time", "zone"):
        return _system(f"{word}tz" if word == "timestamp" else "timetz", modifiers)
    c.accept("without", "time", "zone")
    return _system(word, modifiers)


def _interval(c: Cursor) -> _Simple:
    c.expect("interval")
    if c.at("("):
        return _system("interval", _one_number(c))
    return _system("interval", interval_fields(c))


def interval_fields(c: Cursor) -> tuple[str, ...]:
    """Consume `day to second(3)` and its like; return the precision of the seconds, if one is written."""
    last = c.accept_any(*_INTERVAL_ENDS)
    if last is None:
        return ()
    if c.at("to"):
        c.index += 1
        last = c.expect_any(*_INTERVAL_ENDS[last])
    return _one_number(c) if last == "second" else ()


def _lengthy(c: Cursor) -> _Simple:
    """Characters and bits: fixed by one if no length is written, or varying."""
    word = c.value
    c.index += 1
    if word == "national":
        c.expect_any("character", "char")
    varying = word == "varchar" or c.accept("varying")
    if word == "bit":
        modifiers = _modifiers(c)
        return _system("varbit" if varying else "bit", modifiers if modifiers or varying else ("1",))
    modifiers = _one_number(c)
    return _system("varchar" if varying else "bpchar", modifiers if modifiers or varying else ("1",))


def _array_dimensions(c: Cursor) -> int:
    if c.accept("array"):
        if c.accept("["):
            _bound(c)
        return 1
    dimensions = 0
    while c.accept("["):
        if not c.accept("]"):
            _bound(c)
        dimensions += 1
    return dimensions


def _bound(c: Cursor) -> None:
    if c.kind_at() is not TokenKind.NUMBER or not c.text(c.index).isdigit():
        c.fail("expected a whole number")
    c.index += 1
    c.expect("]")
