"""The parts of a serial or identity column on a table in use (R2): its sequence, and the change to identity.

It may assume an integer type and a table without children. The sequence of a serial column is made under
its final name. An identity column draws from a helper until it is NOT NULL, which identity demands; then, in
one transaction under ACCESS EXCLUSIVE, identity gets a sequence of its own that goes on from the helper's
`last_value`. That is exact: nobody inserts under the lock, `last_value` counts what sessions have cached,
and the helper is gone before anybody could draw from it again. `max(column)` would scan, and would hand out
numbers a second time that were drawn by rows deleted since.
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace as changed

from migrator.operations.base import Context
from migrator.operations.column_definition import Parts
from migrator.operations.hazards import warning
from migrator.operations.liveness import in_use
from migrator.operations.names import relation_name, sequence_name
from migrator.operations.steps import effect_on, transaction
from migrator.operations.target import table_of
from migrator.operations.types import format_type
from migrator.plan import ddl
from migrator.plan import ddl_sequence as sql
from migrator.plan.ddl import SourceSlice, Sql
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import SequenceOption

_NOT_OF_HELPER = frozenset({"cache", "sequence"})
"""The helper has no name of the user's, and caches nothing, so that few numbers are lost."""


class Numbering(msgspec.Struct, frozen=True, kw_only=True):
    """Where a column draws its numbers from."""

    table: QualifiedName
    column: str
    integer: Sql
    sequence: QualifiedName
    """As the naive statement would name it."""
    helper: QualifiedName | None
    """What an identity column draws from until it is one; None for serial."""
    always: bool
    options: tuple[SequenceOption, ...]

    @property
    def first(self) -> QualifiedName:
        """The sequence that the column begins with."""
        return self.helper or self.sequence


def numbering_of(parts: Parts, table: QualifiedName, context: Context) -> Numbering:
    """Return the sequences of the column, with the names that are free."""
    column, identity, facts = parts.definition.name, parts.identity, context.facts
    options = () if identity is None else identity.options
    return Numbering(
        table=table,
        column=column,
        integer=sql.integer_type(format_type(parts.definition.type)),
        sequence=named_sequence(options, table, column, context),
        helper=None if identity is None else _helper(table, column, facts),
        always=identity is not None and identity.always,
        options=options,
    )


def named_sequence(
    options: tuple[SequenceOption, ...], table: QualifiedName, column: str, context: Context
) -> QualifiedName:
    """Return the name of an identity's sequence: SEQUENCE NAME, else the one that the server chooses."""
    written = next((option.name for option in options if option.name is not None), None)
    if written is None:
        return QualifiedName(table.schema, sequence_name(table, column, context.facts))
    return written if written.schema is not None else QualifiedName(table.schema, written.name)


def _helper(table: QualifiedName, column: str, facts: Facts) -> QualifiedName:
    return QualifiedName(table.schema, relation_name(table, column, "migrator_seq", facts))


def beginning(numbers: Numbering, context: Context) -> tuple[tuple[Sql, ...], tuple[Sql, ...]]:
    """Return what comes before ADD COLUMN, and what comes after it in the same transaction."""
    first, table = numbers.first, context.named(numbers.table)
    options = _texts(o for o in numbers.options if o.kind not in _NOT_OF_HELPER)
    relation, version = context.facts.relation(numbers.table), context.facts.server_version
    unlogged = relation is not None and relation.unlogged and version.unlogged_sequences
    create = sql.create_sequence(first, numbers.integer, options, unlogged=unlogged)
    made = (create, *_rights(numbers, context))
    default = ddl.alter_table(table, sql.default_nextval(numbers.column, first))
    return made, (default, sql.owned_by(first, numbers.table, numbers.column))


def _rights(numbers: Numbering, context: Context) -> tuple[Sql, ...]:
    """OWNED BY demands the table's owner; a default draws with the rights of whoever inserts."""
    relation = context.facts.relation(numbers.table)
    owner = None if relation is None else relation.owner
    granted = () if numbers.helper is None else (sql.grant_usage(numbers.helper),)
    if owner is None or owner == (context.session.role or context.facts.role):
        return granted
    return (*granted, sql.owner_to(numbers.first, owner))


def into_identity(numbers: Numbering, context: Context) -> Step:
    """Return the step in which the column, filled and NOT NULL, becomes an identity column."""
    table, column, helper = numbers.table, numbers.column, numbers.first
    options = _texts(option for option in numbers.options if option.kind != "sequence")
    identity = sql.add_identity(column, numbers.sequence, always=numbers.always, options=options)
    statements = (
        ddl.alter_table(table, ddl.drop_default(column)),
        ddl.alter_table(table, identity),
        sql.go_on_from(numbers.sequence, helper),
        sql.drop_sequence(helper),
    )
    return transaction(
        context,
        f"ADD IDENTITY to {column} of {table}, going on from {helper}",
        statements,
        effect_on(context, table),
        phase=Phase.VALIDATE,
        recipe="R2",
        undo=_back(numbers, context),
    )


def _back(numbers: Numbering, context: Context) -> tuple[Sql, ...]:
    """From identity to the helper again, which goes on where identity was."""
    table = context.named(numbers.table)
    made, after = beginning(numbers, context)
    goes_on = sql.go_on_from(numbers.first, numbers.sequence)
    drop = ddl.alter_table(table, sql.drop_identity(numbers.column))
    return (*made, goes_on, drop, *after)


def with_sequence(numbers: Numbering, facts: Facts) -> Facts:
    """Return the facts in which the column owns the sequence."""
    return owning(facts, numbers.sequence, numbers.table, numbers.column)


def rights_wanted(parts: Parts, table: QualifiedName, context: Context) -> tuple[Hazard, ...]:
    """A serial column draws with the rights of whoever inserts; other roles than the owner may have none."""
    relation = context.facts.relation(table)
    roles = () if relation is None else relation.inserters
    if not parts.definition.type.serial or not roles or not in_use(relation, context):
        return ()
    sequence = numbering_of(parts, table, context).sequence
    message = (
        f"every INSERT into {table} draws from {sequence}: it fails for {', '.join(roles)} "
        "unless default privileges give these roles USAGE on new sequences"
    )
    instead = "use GENERATED BY DEFAULT AS IDENTITY, which needs no right, or ALTER DEFAULT PRIVILEGES first"
    return (warning(HazardKind.MAY_BREAK_WRITERS, message, instead, table, "catalogue 7"),)


def with_own_sequence(parts: Parts, table: QualifiedName, context: Context) -> Facts:
    """Return the facts with the sequence of the column, where the definition says that it has one."""
    if not parts.numbered or format_type(parts.definition.type) not in sql.INTEGERS:
        return context.facts
    return with_sequence(numbering_of(parts, table, context), context.facts)


def owned_sequence(table: QualifiedName, column: str, context: Context) -> QualifiedName | None:
    """Return the sequence that belongs to the column, by serial, identity or OWNED BY."""
    for relation in context.facts.relations:
        if relation.owned_by == table and relation.owned_by_column == column:
            return relation.name
    return None


def effect_with_sequence(column: str, mode: LockMode, context: Context) -> Effect:
    """Return ACCESS EXCLUSIVE on the table, and the lock on the sequence of the column."""
    effect = effect_on(context, table_of(context))
    sequence = owned_sequence(table_of(context), column, context)
    more = () if sequence is None else (RelationLock(sequence, mode),)
    return changed(effect, locks=(*effect.locks, *more))


def touched(effect: Effect) -> tuple[QualifiedName, ...]:
    """Return the relations that are locked."""
    return tuple(dict.fromkeys(lock.relation for lock in effect.locks))


def owning(facts: Facts, sequence: QualifiedName, table: QualifiedName, column: str) -> Facts:
    """Return the facts with a sequence that belongs to a column."""
    made = Relation(
        name=sequence,
        kind=RelationKind.SEQUENCE,
        owned_by=table,
        owned_by_column=column,
        created_in_plan=True,
    )
    return facts.with_relation(made)


def _texts(options: Iterable[SequenceOption]) -> tuple[SourceSlice, ...]:
    return tuple(option.text for option in options)
