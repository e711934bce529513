"""What ALTER COLUMN TYPE does to the rows and indexes of a table, for a pair of types.

Every rule is measured on all supported servers by `tests/facts/test_type_changes.py`; they agree from 13 to
18 (tablecmds.c: ATColumnChangeRequiresRewrite; indexcmds.c: CheckIndexCompatible; the support functions of
the length coercions). What no rule knows is a rewrite.
"""

from __future__ import annotations

import enum
import re

import msgspec

from migrator.postgres.data_types import DataType


class Work(enum.StrEnum):
    """What is done with the column, from the least to the most."""

    NOTHING = "catalog only"
    """Rows and indexes stay as they are."""
    INDEXES = "indexes rebuilt"
    """Rows stay, but the type compares by other operators: indexes over the column are rebuilt, and
    foreign keys of it are checked again."""
    REWRITE = "rewrite"
    """Every row is written anew, with all indexes."""

    @property
    def rank(self) -> int:
        """0, 1, 2."""
        return list(Work).index(self)


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """A type before or after the change: a domain is looked at as the type it is over."""

    type: DataType
    domain: str | None = None
    """The domain's name, if it is one."""
    constrained: bool = False
    """The domain, or one that it is over, has a CHECK or NOT NULL."""


_NUMBER = re.compile(r"-?[0-9]+")

_TEXTS = frozenset({"text", "character varying"})

_OIDS = frozenset(
    {
        "regclass",
        "regcollation",
        "regconfig",
        "regdictionary",
        "regnamespace",
        "regoper",
        "regoperator",
        "regproc",
        "regprocedure",
        "regrole",
        "regtype",
    }
)

_TIMESTAMPS = frozenset({"timestamp with time zone", "timestamp without time zone"})

_BY_LENGTH = frozenset({"character varying", "bit varying"})

_BY_PRECISION = _TIMESTAMPS | {"time with time zone", "time without time zone"}

_FULL_PRECISION = 6
"""Digits of a second that timestamps, times and intervals have."""

_LEAST_FIELDS = ("second", "minute", "hour", "day", "month", "year")

_POLYMORPHIC = ("range", "multirange")

ZERO_OFFSET = frozenset(
    {
        "0",
        "+00",
        "-00",
        "+00:00",
        "etc/gmt",
        "etc/gmt+0",
        "etc/gmt-0",
        "etc/gmt0",
        "etc/greenwich",
        "etc/uct",
        "etc/universal",
        "etc/utc",
        "etc/zulu",
        "gmt",
        "gmt+0",
        "gmt-0",
        "gmt0",
        "greenwich",
        "uct",
        "universal",
        "utc",
        "zulu",
    }
)
"""Time zones whose offset is and always was zero: only under these do timestamps stay as they are when their
type gains or loses the zone. Europe/London and Africa/Abidjan are not among them."""


def has_zero_offset(time_zone: str) -> bool:
    """Whether the server takes the zone, as a setting writes it, for one of constant zero offset."""
    return time_zone.strip().strip("'").lower() in ZERO_OFFSET


def work(old: Side, new: Side, *, zero_offset: bool = False) -> Work:
    """Return what the change does; `zero_offset` says that the session's TimeZone has no offset."""
    if old == new:
        return Work.NOTHING
    if new.constrained and new.domain != old.domain:
        return Work.REWRITE
    before = old.type if old.domain is None else DataType(name=old.type.name, array=old.type.array)
    found = _plain(before, new.type, zero_offset=zero_offset)
    moved = old.domain != new.domain and is_polymorphic(new.type)
    return max(found, Work.INDEXES, key=lambda each: each.rank) if moved else found


def is_polymorphic(data_type: DataType) -> bool:
    """Whether its indexes are of operator classes for any array, range or enum: they depend on the very type.

    Types of the user's may be of that kind.
    """
    name = data_type.name
    return data_type.array or name.endswith(_POLYMORPHIC) or "." in name


def keeps_index(data_type: DataType, method: str) -> bool:
    """Whether an index over plain columns is kept where `work` is NOTHING and the collation stays.

    Of arrays and the like only a B-tree is: other methods store something else than the type itself.
    """
    return method == "btree" or not is_polymorphic(data_type)


def _plain(old: DataType, new: DataType, *, zero_offset: bool) -> Work:
    if old == new:
        return Work.NOTHING
    if old.array or new.array:
        same = old.array and new.array and old.name == new.name
        return Work.NOTHING if same and not new.constrains else Work.REWRITE
    if old.name == new.name:
        numbers = all(_NUMBER.fullmatch(each) for each in (*old.modifiers, *new.modifiers))
        kept = not new.constrains or (numbers and _widens(old, new))
        return Work.NOTHING if kept else Work.REWRITE
    found = _other_type(old, new, zero_offset=zero_offset)
    full = new.name in _BY_PRECISION and new.modifiers == (str(_FULL_PRECISION),)
    fits = full or not new.constrains
    return found if fits else Work.REWRITE


def _widens(old: DataType, new: DataType) -> bool:
    """Whether every value of the old type is one of the new, as the server's support functions see it."""
    if new.name in _BY_LENGTH:
        return bool(old.modifiers) and int(old.modifiers[0]) <= int(new.modifiers[0])
    if new.name == "numeric":
        return bool(old.modifiers) and _widens_numeric(old, new)
    if new.name in _BY_PRECISION:
        return _precision(new) >= min(_precision(old), _FULL_PRECISION)
    return new.name == "interval" and _widens_interval(old, new)


def _widens_numeric(old: DataType, new: DataType) -> bool:
    before, after = (int(old.modifiers[0]), _scale(old)), (int(new.modifiers[0]), _scale(new))
    return before[1] == after[1] and before[0] <= after[0]


def _widens_interval(old: DataType, new: DataType) -> bool:
    before, after = _least_field(old), _least_field(new)
    return after <= before and (before > 0 or _precision(new) >= min(_precision(old), _FULL_PRECISION))


def _other_type(old: DataType, new: DataType, *, zero_offset: bool) -> Work:
    """Types of different names that are stored in the same way."""
    pair = {old.name, new.name}
    kept = pair <= _TEXTS or (old.name, new.name) == ("cidr", "inet")
    if kept or (old.name == "xml" and new.name in _TEXTS | {"bpchar"}):
        return Work.NOTHING
    if pair & _OIDS and "oid" in pair:
        return Work.NOTHING
    alike = (
        old.name in _TEXTS and new.name == "bpchar",
        pair == {"bit", "bit varying"},
        "integer" in pair and pair <= _OIDS | {"integer", "oid"} and bool(pair & (_OIDS | {"oid"})),
        pair == _TIMESTAMPS and zero_offset,
        _is_citext(old) and new.name in _TEXTS,
        old.name in _TEXTS and _is_citext(new),
    )
    return Work.INDEXES if any(alike) else Work.REWRITE


def _is_citext(data_type: DataType) -> bool:
    return data_type.name.rpartition(".")[2] == "citext"


def _precision(data_type: DataType) -> int:
    return int(data_type.modifiers[0]) if data_type.modifiers else _FULL_PRECISION


def _scale(data_type: DataType) -> int:
    return int(data_type.modifiers[1]) if len(data_type.modifiers) > 1 else 0


def _least_field(data_type: DataType) -> int:
    """The smallest field that an interval keeps, 0 for seconds."""
    return _LEAST_FIELDS.index(data_type.fields.split()[-1]) if data_type.fields else 0
