"""DROP CONSTRAINT: foreign keys, CHECK, UNIQUE, PRIMARY KEY, EXCLUDE, and NOT NULL by its name (18).

What it does
    Stops a rule from being checked. UNIQUE, PRIMARY KEY and EXCLUDE lose their index with it.

Why it is dangerous
    It takes ACCESS EXCLUSIVE, for a foreign key on the referenced table too, which is often the busiest one
    (catalogue 98). Without the index of a key, queries read the whole table, and ON CONFLICT over its
    columns fails; a primary key may be what rows are replicated by (109). Foreign keys rest on keys: the
    server refuses, CASCADE drops them unnamed.

What is done instead
    The locks are taken beforehand, without queueing first, for an instant (R8). A rule that is gone breaks
    no code, so it runs in expand; a replacement in the same ALTER TABLE takes its place in the same
    transaction. The primary key of a large table waits for an approval and for contract. With CASCADE the
    foreign keys are named and go first, one a transaction.

Source
    Catalogue 98, 99, 109, R8; manual, ALTER TABLE, "DROP CONSTRAINT"; INSERT, "ON CONFLICT".
"""

import re

import msgspec
from msgspec.structs import replace
from msgspec.structs import replace as changed

from migrator.operations import folding
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.dependents import ForeignKeyOf, foreign_keys_to
from migrator.operations.drop_constraint_undo import undo_of
from migrator.operations.drop_table import drop_foreign_key
from migrator.operations.drop_table_hazards import listed
from migrator.operations.hazards import needs_approval, warning, wrong
from migrator.operations.liveness import endangered, in_use
from migrator.operations.steps import as_written, locks_on
from migrator.operations.target import extension_owned, relation_of, table_of
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import AddConstraint, AlterTable, DropConstraint, ForeignKeyConstraint

NAME = "drop-constraint"

_ACTION = re.compile(r"ON (DELETE|UPDATE) (CASCADE|SET NULL|SET DEFAULT)")

_KEYS = frozenset({ConstraintKind.UNIQUE, ConstraintKind.PRIMARY_KEY})


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """A constraint that goes."""

    action: DropConstraint
    table: QualifiedName
    relation: Relation | None
    known: Constraint | None
    resting: tuple[ForeignKeyOf, ...]
    """Foreign keys of other tables that rest on it."""

    @property
    def primary(self) -> bool:
        """A primary key, or what has the name of one where facts do not tell."""
        if self.known is not None:
            return self.known.kind is ConstraintKind.PRIMARY_KEY
        return self.action.name.endswith("_pkey")


def _rule(action: DropConstraint, context: Context) -> Rule:
    table, relation = table_of(context), relation_of(context)
    known = None if relation is None else relation.constraint(action.name)
    resting = () if known is None or relation is None else _resting(known, relation, context.facts)
    return Rule(action=action, table=table, relation=relation, known=known, resting=resting)


def _resting(key: Constraint, relation: Relation, facts: Facts) -> tuple[ForeignKeyOf, ...]:
    """Return the foreign keys over the columns of this key, unless another unique index has these too."""
    alike = [index for index in relation.indexes if index.unique and set(index.keys) == set(key.columns)]
    if key.kind not in _KEYS or len(alike) > 1:
        return ()
    own = relation.name
    return tuple(k for k in foreign_keys_to(own, facts) if set(k.key.referenced_columns) == set(key.columns))


def _plan(action: DropConstraint, context: Context) -> Outcome:
    rule = _rule(action, context)
    if rule.known is None and _is_listed(rule.relation, context):
        return _missing(rule, context)
    before, after = _foreign_keys_first(rule, context)
    effect = Effect(locks=_locks(rule, context.facts))
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=(*_hazards(rule, context), *extension_owned(rule.relation)),
        steps=(*before, _drop(rule, after)),
        facts=_after(rule, after.facts),
        touches=tuple(dict.fromkeys(lock.relation for lock in effect.locks)),
        as_written=not before,
    )


def _is_listed(relation: Relation | None, context: Context) -> bool:
    """Whether facts list every constraint of the table; LIKE and INHERITS give a new one more."""
    if relation is None or not context.facts.complete:
        return False
    return bool(relation.columns) and not relation.created_in_plan


def _missing(rule: Rule, context: Context) -> Outcome:
    message = f"{rule.table} has no constraint {rule.action.name}"
    instead = "mend the name or the order of the statements"
    found = needs_approval(HazardKind.MISSING_OBJECT, message, instead, rule.table)
    return Outcome(operation=NAME, hazards=(found,), facts=context.facts, touches=(rule.table,))


def _locks(rule: Rule, facts: Facts) -> tuple[RelationLock, ...]:
    mode = LockMode.ACCESS_EXCLUSIVE
    partner = None if rule.known is None else rule.known.references
    names = [rule.table, *([] if partner is None else [partner])]
    names += [key.table for key in rule.resting] if rule.action.cascade else []
    return tuple(dict.fromkeys(lock for name in names for lock in locks_on(name, mode, facts)))


def _foreign_keys_first(rule: Rule, context: Context) -> tuple[tuple[Step, ...], Context]:
    """With CASCADE: one transaction for each foreign key that rests on the key."""
    steps: list[Step] = []
    for key in rule.resting if rule.action.cascade else ():
        if in_use(context.facts.relation(key.table), context):
            steps.append(drop_foreign_key(key, context, phase=_phase(rule, context)))
        folded = folding.without_constraint(context.facts, key.table, key.key.name)
        context = replace(context, facts=folded)
    return tuple(steps), context


def _drop(rule: Rule, context: Context) -> Step:
    effect = Effect(locks=_locks(replace(rule, resting=()), context.facts))
    undo, note = undo_of(rule.known, rule.relation, context)
    step = as_written(
        context,
        f"DROP CONSTRAINT {rule.action.name} of {rule.table}",
        effect,
        phase=_phase(rule, context),
        undo=undo,
    )
    return step if note is None else changed(step, undo_note=note)


def _phase(rule: Rule, context: Context) -> Phase:
    waits = _needs_approval(rule, context)
    return Phase.CONTRACT if waits else Phase.EXPAND


def _needs_approval(rule: Rule, context: Context) -> bool:
    """The key of a large table in use, or foreign keys that nobody named."""
    named = not rule.resting or not rule.action.cascade
    return (rule.primary and endangered(rule.relation, context)) or (
        not named and in_use(rule.relation, context)
    )


def _after(rule: Rule, facts: Facts) -> Facts:
    if rule.known is not None and rule.known.kind is ConstraintKind.NOT_NULL and rule.known.columns:
        return folding.without_not_null(facts, rule.table, rule.known.columns[0])
    return folding.without_constraint(facts, rule.table, rule.action.name)


# --- hazards


def _hazards(rule: Rule, context: Context) -> tuple[Hazard, ...]:
    if rule.resting and not rule.action.cascade:
        return (_refused_by_server(rule),)
    if not in_use(rule.relation, context):
        return ()
    return (*_cascade(rule), *_key(rule, context), *_actions(rule, context))


def _refused_by_server(rule: Rule) -> Hazard:
    resting = listed(tuple(map(str, rule.resting)))
    message = f"other objects rest on {rule.action.name} of {rule.table}: {resting}; the server refuses it"
    instead = "drop these by name, in statements before this one"
    return wrong(HazardKind.DEPENDENT_OBJECTS, message, instead, rule.table, "catalogue 109")


def _cascade(rule: Rule) -> tuple[Hazard, ...]:
    if not rule.resting:
        return ()
    message = f"CASCADE drops as well: {listed(tuple(map(str, rule.resting)))}"
    instead = "make sure that the references may go unchecked, then approve it with the reason"
    return (needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, rule.table, "catalogue 109"),)


def _key(rule: Rule, context: Context) -> tuple[Hazard, ...]:
    """What is lost with the index of a key."""
    kind = None if rule.known is None else rule.known.kind
    if not rule.primary and kind not in {None, ConstraintKind.UNIQUE, ConstraintKind.EXCLUDE}:
        return ()
    if not rule.primary and kind is None:
        return (_unknown(rule),)
    if kind is ConstraintKind.EXCLUDE:
        return ()
    columns = ", ".join(rule.known.columns) if rule.known is not None else "its columns"
    words = "the primary key" if rule.primary else "a unique constraint"
    message = (
        f"{rule.action.name} is {words} of {rule.table}: without its index ON CONFLICT ({columns}) fails, "
        f"lookups by {columns} read the whole table, and duplicates become possible"
    )
    instead = "make sure that no running code needs it, or that another unique index takes its place first"
    build = needs_approval if rule.primary and endangered(rule.relation, context) else warning
    found = build(HazardKind.BREAKS_RUNNING_CODE, message, instead, rule.table, "catalogue 109")
    return (found, *_replicated(rule))


def _replicated(rule: Rule) -> tuple[Hazard, ...]:
    if not rule.primary or rule.relation is None or not rule.relation.replicated_by_key:
        return ()
    message = (
        f"{rule.table} is published, and its rows are replicated by the primary key: "
        "UPDATE and DELETE fail without it"
    )
    instead = "ALTER TABLE … REPLICA IDENTITY USING INDEX of another unique index, or FULL, first"
    kind = HazardKind.REPLICA_IDENTITY_MISSING
    return (needs_approval(kind, message, instead, rule.table, "catalogue 109, 130, 131"),)


def _unknown(rule: Rule) -> Hazard:
    message = (
        f"which kind of constraint {rule.action.name} of {rule.table} is, is not known here: a unique one "
        "takes its index along, and for a foreign key the other table is locked too"
    )
    kind = HazardKind.BREAKS_RUNNING_CODE
    return warning(kind, message, "plan with --database", rule.table, "catalogue 98")


def _followed(table: QualifiedName, parent: QualifiedName, context: Context) -> bool:
    """Whether the file adds a foreign key to the same table from here on."""
    commands = [statement.command for statement in context.migration.statements[context.index - 1 :]]
    return any(
        isinstance(action, AddConstraint)
        and isinstance(action.constraint, ForeignKeyConstraint)
        and context.resolve(action.constraint.references) == parent
        for command in commands
        if isinstance(command, AlterTable) and context.resolve(command.name) == table
        for action in command.actions
    )


def _actions(rule: Rule, context: Context) -> tuple[Hazard, ...]:
    """What ON DELETE and ON UPDATE of a foreign key did by themselves."""
    known = rule.known
    if known is None or known.kind is not ConstraintKind.FOREIGN_KEY or known.references is None:
        return ()
    did = _ACTION.search(known.definition)
    if did is None or _followed(rule.table, known.references, context):
        return ()
    parent = known.references
    message = f"{rule.action.name} is {did[0]}: rows of {rule.table} no longer follow those of {parent}"
    instead = "make sure that the application sees to it, or add the foreign key that replaces it first"
    return (warning(HazardKind.BREAKS_RUNNING_CODE, message, instead, rule.table, "catalogue 98"),)


DROP_CONSTRAINT = FormOperation(name=NAME, form=DropConstraint, outcome=_plan)
