"""ALTER COLUMN … [SET DATA] TYPE.

What it does
    Gives a column another type, length or collation; several columns of one statement at once.

Why it is dangerous
    Most changes write the whole table anew with all its indexes under ACCESS EXCLUSIVE. Those that keep the
    rows (`postgres.type_changes`) still verify every CHECK of the column anew, which reads the table, and
    rebuild indexes with an expression or condition that mentions it, or whose operators or collation
    change; foreign keys of a column that compares in another way are verified too. All of it happens under
    ACCESS EXCLUSIVE, also on the tables that foreign keys tie to it. Statistics of the column are lost.

What is done instead
    A change that is free runs as written. CHECKs and foreign keys are dropped and added again NOT VALID in
    the transaction of the change, and validated afterwards (R6, R7); indexes are dropped before and built
    after it, CONCURRENTLY (R20, R21). What is written anew, and unique indexes that are rebuilt, need an
    approval. ANALYZE follows on tables that are not small.

Source
    Catalogue 59 to 83; manual, ALTER TABLE, "SET DATA TYPE" and notes; decisions 0070, 0071.
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import column_type_hazards as hazards
from migrator.operations import column_type_sequence as sequence
from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.column_type_change import Affected, Verified, affected
from migrator.operations.column_type_refusals import awaited, refusals
from migrator.operations.column_types import written_type
from migrator.operations.liveness import endangered, in_use
from migrator.operations.steps import approved_timeouts
from migrator.operations.target import absent, extension_owned, table_of
from migrator.operations.types import format_type
from migrator.plan.hazard import Hazard
from migrator.plan.step import Step
from migrator.postgres.facts import Facts, RelationKind
from migrator.sql.syntax import AlterColumnType

NAME = "alter-column-type"


def _plan(action: AlterColumnType, context: Context) -> Outcome:
    table, group = table_of(context), _group(context) or (action,)
    if action is not group[0]:
        return Outcome(operation=NAME, facts=context.facts, touches=(table,))
    found = affected(group, table, context)
    outcome = Outcome(
        operation=NAME,
        effect=sequence.effect(found, context),
        hazards=(*refusals(found, context), *extension_owned(found.relation), *_said(found, context)),
        facts=_after(found, context),
        touches=(table, *found.partners, *awaited(context)),
        afterwards=_afterwards(found, context),
    )
    return _planned(outcome, found, _felt(found, context), context)


def _said(found: Affected, context: Context) -> tuple[Hazard, ...]:
    return hazards.sequences(found, context) if in_use(found.relation, context) else ()


def _group(context: Context) -> tuple[AlterColumnType, ...]:
    """Every change of a type in the statement: the server makes them in one pass over the table."""
    actions = () if context.alter is None else context.alter.actions
    return tuple(action for action in actions if isinstance(action, AlterColumnType))


def _planned(outcome: Outcome, found: Affected, felt: Affected, context: Context) -> Outcome:
    """Decide between as written, the sequence, and an approval; `felt` is the part that would be felt."""
    if not (felt.rewrites or felt.indexes or felt.checks or felt.foreign_keys):
        return _as_written(outcome, (sequence.as_written(found, context),))
    refused = _refused(felt, context)
    if refused:
        approved = msgspec.structs.replace(
            sequence.as_written(found, context), timeouts=approved_timeouts(context)
        )
        plain = _as_written(outcome, (approved,))
        return replace(plain, hazards=(*outcome.hazards, *refused))
    said = (*hazards.answers(felt), *sequence.index_hazards(felt, context))
    steps = sequence.steps(found, felt, context)
    return replace(outcome, hazards=(*outcome.hazards, *said), steps=steps)


def _as_written(outcome: Outcome, steps: tuple[Step, ...]) -> Outcome:
    return replace(outcome, steps=steps, as_written=True)


def _felt(found: Affected, context: Context) -> Affected:
    """The part that would be felt: nothing of a small table but the foreign keys of large ones to it."""
    own = endangered(found.relation, context) and not _missing(found, context)
    return replace(
        found,
        changes=found.changes if own else (),
        indexes=found.indexes if own else (),
        checks=found.checks if own and not found.rewrites else (),
        foreign_keys=tuple(
            key for key in found.foreign_keys if endangered(context.facts.relation(key.table), context)
        ),
    )


def _missing(found: Affected, context: Context) -> bool:
    """Whether the table or a column is known not to exist, which the plan says already."""
    if absent(found.table, context):
        return True
    known = context.facts.complete and found.relation is not None and bool(found.relation.columns)
    return known and any(change.column is None for change in found.changes)


def _refused(felt: Affected, context: Context) -> tuple[Hazard, ...]:
    """Return why the sequence cannot be used; nothing where it can."""
    if felt.rewrites:
        return hazards.rewrites(felt, context)
    fixed = tuple(each for each in felt.indexes if not sequence.replaceable(each, context))
    kept = (
        *(check for check in felt.checks if not _replaceable_check(check, felt, context)),
        *(key for key in felt.foreign_keys if not _replaceable_key(key, context)),
    )
    return (*hazards.kept_indexes(felt, fixed), *hazards.kept_constraints(felt, kept))


def _replaceable_key(key: Verified, context: Context) -> bool:
    """A partitioned table's needs its partitions', and before 18 cannot be NOT VALID."""
    tables = [context.facts.relation(name) for name in (key.table, key.constraint.references) if name]
    trees = [
        t for t in tables if t is not None and (t.kind is RelationKind.PARTITIONED_TABLE or t.partition_of)
    ]
    return bool(key.constraint.definition) and not trees


def _replaceable_check(check: Verified, found: Affected, context: Context) -> bool:
    """One that a child has by itself too would stay, and be verified, when the parent's is dropped."""
    trees = any(r is not None and r.children for r in map(context.facts.relation, found.tables))
    return bool(check.constraint.definition) and not trees


def _afterwards(found: Affected, context: Context) -> tuple[Step, ...]:
    relation = found.relation
    if not endangered(relation, context) or (relation is not None and not relation.is_table):
        return ()
    if _missing(found, context):
        return ()
    return (sequence.analyze(found, context),)


def _after(found: Affected, context: Context) -> Facts:
    facts = context.facts
    for change in found.changes:
        action = change.action
        collation = None if action.collation is None else action.collation.text
        new = written_type(action.type, collation, context)
        facts = folding.changed_column(
            facts,
            found.table,
            change.name,
            type=format_type(action.type),
            collation=new.collation,
            domain_constrained=new.side.constrained,
        )
    return facts


ALTER_COLUMN_TYPE = FormOperation(name=NAME, form=AlterColumnType, outcome=_plan)
