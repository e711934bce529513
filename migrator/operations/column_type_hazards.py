"""What is said of a type change: why it needs an approval, or what the plan does about it."""

import re

from migrator.operations.base import Context
from migrator.operations.column_type_change import Affected, Change, Rebuilt, Verified, zero_offset
from migrator.operations.hazards import answered, good_to_know, needs_approval, warning
from migrator.operations.numbered_column import owned_sequence
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.data_types import parse
from migrator.postgres.facts import ConstraintKind
from migrator.postgres.type_changes import Work

_STAMPS = {"timestamp with time zone", "timestamp without time zone"}

_LAST = {"smallint": 2**15 - 1, "integer": 2**31 - 1}
"""The last number of a sequence by the type that serial gives it."""

_AT_UTC = re.compile(r"\bat\s+time\s+zone\s+'utc'", re.IGNORECASE)

_NEW_COLUMN = "add a column of the new type, fill it by UPDATE, and let the application change over"


def rewrites(found: Affected, context: Context) -> tuple[Hazard, ...]:
    """Return an error for each column whose change writes the table anew."""
    return tuple(
        needs_approval(
            HazardKind.TABLE_REWRITE,
            f"{found.table} is written anew with all its indexes under ACCESS EXCLUSIVE: {_words(change)}"
            + _read_too(found),
            _instead(change, context),
            found.table,
            "catalogue 59 to 83, R13",
        )
        for change in found.changes
        if change.work is Work.REWRITE
    )


def _read_too(found: Affected) -> str:
    """Say which tables are read because they refer to the column."""
    read = dict.fromkeys(str(key.table) for key in found.foreign_keys if key.table not in found.tables)
    return f"; {', '.join(read)} is read too, to verify its foreign key" if read else ""


def sequences(found: Affected, context: Context) -> tuple[Hazard, ...]:
    """Return what is to know of serial columns: unlike that of an identity, their sequence keeps its type."""
    said = []
    for change in found.changes:
        column, sequence = change.column, owned_sequence(found.table, change.name, context)
        if column is None or column.identity or sequence is None or _alters_sequence(context):
            continue
        if column.type in _LAST and change.new_type not in {column.type, "smallint"}:
            message = f"{sequence} numbers {change.name}, and still ends at {_LAST[column.type]}"
            instead = f"write ALTER SEQUENCE {sequence} AS {change.new_type} after it"
            said.append(good_to_know(HazardKind.MAY_BREAK_WRITERS, message, instead, found.table))
    return tuple(said)


def _alters_sequence(context: Context) -> bool:
    """Whether a later statement of the file sees to the sequence."""
    later = context.migration.statements[context.index :]
    return any(statement.text.upper().startswith("ALTER SEQUENCE") for statement in later)


def _words(change: Change) -> str:
    if change.column is None:
        return f"what {change.name} is of is not known"
    return f"{change.name} from {change.column.type} to {change.new_type}" + (
        ", by an expression" if change.unknown_using else ""
    )


def _instead(change: Change, context: Context) -> str:
    """A way without a rewrite, where there is one."""
    if change.column is None:
        return "plan with --database, so that the type of the column is known"
    old, new = parse(change.column.type), parse(change.new_type)
    if {old.name, new.name} == _STAMPS:
        return _instead_of_zone(change, context)
    if change.unknown_using:
        return f"leave out USING if it is no more than a conversion of {change.name}; else {_NEW_COLUMN}"
    if new.name == "character varying" and old.name in {"character varying", "text"}:
        return (
            f"CHECK (char_length({change.name}) <= {new.modifiers[0]}) limits the length without a rewrite"
            if new.modifiers
            else _NEW_COLUMN
        )
    return _NEW_COLUMN


def _instead_of_zone(change: Change, context: Context) -> str:
    """Rows stay under a TimeZone of no offset, without precision, without AT TIME ZONE."""
    using = change.action.using
    if change.unknown_using and (using is None or not _AT_UTC.search(using.text)):
        return _NEW_COLUMN
    new = parse(change.new_type)
    words = "the type without a precision" if new.modifiers else change.new_type
    plain = f"write {words}{' without USING' if using else ''}"
    if zero_offset(context):
        return f"{plain}: then the rows stay as they are"
    return f"if the values are in UTC, put SET TimeZone TO 'UTC' before it and {plain}; else {_NEW_COLUMN}"


def kept_indexes(found: Affected, indexes: tuple[Rebuilt, ...]) -> tuple[Hazard, ...]:
    """Return an error for each index that cannot be away for a while; parts go with the partitioned one."""
    whole = any(each.table == found.table for each in indexes)
    return tuple(
        needs_approval(
            HazardKind.INDEX_BUILD_BLOCKS_WRITES,
            f"the index {each.index.name} of {each.table} is built anew under ACCESS EXCLUSIVE: "
            + _why(each, found),
            _instead_of_build(each),
            each.table,
            "catalogue 60, 68",
        )
        for each in indexes
        if not whole or each.table == found.table or not each.index.special
    )


def _instead_of_build(rebuilt: Rebuilt) -> str:
    if rebuilt.index.unique:
        return (
            "it is unique, and duplicates could come in while it is away: run it when the table is idle, "
            f"or {_NEW_COLUMN}"
        )
    if rebuilt.index.special:
        return (
            "it is part of a partitioned index, or more than its definition: drop it before, build it after"
        )
    return "drop it CONCURRENTLY before, and build it CONCURRENTLY after"


def _why(rebuilt: Rebuilt, found: Affected) -> str:
    index = rebuilt.index
    columns = [c for c in found.changes if c.name in {*index.keys, *index.included, *index.mentions}]
    names = ", ".join(change.name for change in columns)
    if None in index.keys:
        return f"an expression of it mentions {names}" if names else "it has an expression"
    if index.predicate is not None:
        return f"it is partial, and mentions {names}"
    if not index.valid:
        return "it is invalid"
    if any(change.work is Work.INDEXES for change in columns):
        return f"the new type of {names} compares by other operators"
    if any(change.recollated for change in columns):
        return f"the collation of {names} changes"
    return f"{index.method} depends on the very type of {names}"


def kept_constraints(found: Affected, kept: tuple[Verified, ...]) -> tuple[Hazard, ...]:
    """Return an error for each constraint that cannot be dropped and added again."""
    return tuple(
        needs_approval(
            HazardKind.SCAN_UNDER_LOCK,
            f"{each.table} is read from end to end under ACCESS EXCLUSIVE to verify {each.constraint.name}",
            "drop the constraint before, add it NOT VALID after and validate it",
            found.table,
            "catalogue 61, 82",
        )
        for each in kept
    )


def answers(felt: Affected) -> tuple[Hazard, ...]:
    """Return what the sequence does about the dangers of the statement as written."""
    scans = [
        answered(
            HazardKind.SCAN_UNDER_LOCK,
            f"ALTER COLUMN TYPE reads {each.table} under ACCESS EXCLUSIVE to verify {each.constraint.name}",
            "it is dropped and added again NOT VALID in the same transaction, and validated afterwards",
            each.table,
            "catalogue 61, R6" if each.constraint.kind is ConstraintKind.CHECK else "catalogue 82, R7",
        )
        for each in (*felt.checks, *felt.foreign_keys)
    ]
    return (*scans, *(hazard for each in felt.indexes for hazard in _away(each, felt)))


def _away(rebuilt: Rebuilt, found: Affected) -> tuple[Hazard, ...]:
    name = rebuilt.index.name
    return (
        answered(
            HazardKind.INDEX_BUILD_BLOCKS_WRITES,
            f"ALTER COLUMN TYPE builds the index {name} of {rebuilt.table} anew under ACCESS EXCLUSIVE: "
            + _why(rebuilt, found),
            "it is dropped CONCURRENTLY before, and built CONCURRENTLY after",
            rebuilt.table,
            "catalogue 60, R20, R21",
        ),
        warning(
            HazardKind.BREAKS_RUNNING_CODE,
            f"queries that use {name} of {rebuilt.table} are slow from its drop until it is built again",
            "run it when they are rare, or build another index that serves them first",
            rebuilt.table,
        ),
    )
