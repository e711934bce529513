"""CREATE TABLE, in all its forms.

What it does
    Makes a table that nobody uses yet.

Why it is dangerous
    Alone it is not (catalogue 168). Its foreign keys lock each table they refer to in SHARE ROW EXCLUSIVE,
    for a moment (169). PARTITION OF locks the partitioned table in ACCESS EXCLUSIVE, and reads the default
    partition under that lock (136). IF NOT EXISTS says nothing where a table of another form is there
    (170).

What is done instead
    It runs as written, the locks on referenced tables being taken beforehand within the lock budget. A new
    partition of a table in use is made by itself and attached (`create_partition`). A temporary table would
    live in one session only, and every step may have its own. A query takes as long as it takes
    (`create_from_query`).

Source
    Catalogue 136, 168 to 172; manual, CREATE TABLE.
"""

from msgspec.structs import replace

from migrator.operations import create_from_query, create_partition
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.hazards import wrong
from migrator.operations.liveness import in_use, live
from migrator.operations.steps import as_written, partition_locks
from migrator.operations.table_facts import created
from migrator.operations.target import absent, missing_relation
from migrator.operations.types import format_type
from migrator.plan import ddl
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import CreateTable, ForeignKeyConstraint

NAME = "create-table"


def referenced(command: CreateTable, context: Context) -> tuple[QualifiedName, ...]:
    """Return the other tables that its foreign keys refer to."""
    constraints = [*command.constraints, *(c for column in command.columns for c in column.constraints)]
    names = [context.resolve(c.references) for c in constraints if isinstance(c, ForeignKeyConstraint)]
    own = new_name(command.name, context)
    return tuple(dict.fromkeys(name for name in names if name != own))


def new_name(name: QualifiedName, context: Context) -> QualifiedName:
    """Return the name of an object that is being created: in the first schema of the path."""
    if name.schema is not None:
        return name
    return QualifiedName(context.search_path[0] if context.search_path else "public", name.name)


def _effect(command: CreateTable, context: Context) -> Effect:
    shared, facts = LockMode.SHARE_ROW_EXCLUSIVE, context.facts
    keys = [lock for name in referenced(command, context) for lock in partition_locks(name, shared, facts)]
    like = [RelationLock(context.resolve(name), LockMode.ACCESS_SHARE) for name in command.like]
    parents = [RelationLock(context.resolve(n), LockMode.SHARE_UPDATE_EXCLUSIVE) for n in command.inherits]
    above = Effect()
    if command.partition_of is not None:
        root = context.resolve(command.partition_of)
        above = create_partition.effect(root, new_name(command.name, context), context)
    if command.query is None or not command.with_data:
        return Effect(locks=tuple(dict.fromkeys((*above.locks, *keys, *parents, *like))), scans=above.scans)
    read = create_from_query.read_by(command.query, context)
    return Effect(locks=tuple(RelationLock(name, LockMode.ACCESS_SHARE) for name in read), scans=read)


def _plan(command: CreateTable, context: Context) -> Outcome:
    name = new_name(command.name, context)
    existing = context.facts.relation(name)
    if existing is not None and not command.temporary:
        return _exists(command, existing, context)
    root = None if command.partition_of is None else context.resolve(command.partition_of)
    if root is not None and _attachable(command, root, context):
        return create_partition.plan(command, name, root, context)
    partners = referenced(command, context)
    effect = _effect(command, context)
    step = as_written(
        context,
        f"CREATE TABLE {name}",
        effect,
        undo=(ddl.drop_table(name),),
        undo_note="rows of the table are lost",
        commutes=not (partners or command.partition_of or command.inherits or command.query),
    )
    if command.query is not None and command.with_data:
        step = create_from_query.unhurried(step, command.query, context)
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=(*_temporary(command, context), *_missing(command, context), *_long(command, name, context)),
        steps=(step,),
        facts=created(command, name, context),
        touches=(name, *(lock.relation for lock in effect.locks)),
        as_written=True,
    )


def _long(command: CreateTable, name: QualifiedName, context: Context) -> tuple[Hazard, ...]:
    """A query that reads for long."""
    if command.query is None or not command.with_data:
        return ()
    return create_from_query.hazards(command.query, name, context)


def _missing(command: CreateTable, context: Context) -> tuple[Hazard, ...]:
    named = [*referenced(command, context), *(context.resolve(n) for n in (*command.like, *command.inherits))]
    return tuple(hazard for name in named for hazard in missing_relation(name, context))


def _attachable(command: CreateTable, root: QualifiedName, context: Context) -> bool:
    """A partition of a table in use."""
    return (
        not command.temporary and not absent(root, context) and in_use(context.facts.relation(root), context)
    )


def _temporary(command: CreateTable, context: Context) -> tuple[Hazard, ...]:
    """A table of one session, where each step may have its own."""
    if not command.temporary or not live(context):
        return ()
    message = "a temporary table lives in one session, and each step of a plan may run in another"
    return (wrong(HazardKind.SESSION_SETTING, message, "use an ordinary table, and drop it at the end"),)


def _exists(command: CreateTable, existing: Relation, context: Context) -> Outcome:
    """The name is taken: nothing to do for IF NOT EXISTS if the columns agree, else an error."""
    outcome = Outcome(
        operation=NAME,
        effect=Effect(),
        facts=context.facts,
        touches=(existing.name,),
        note=f"{existing.name} exists already",
    )
    wanted = [(column.name, format_type(column.type)) for column in command.columns]
    found = [(column.name, column.type) for column in existing.columns]
    if command.partition_of is not None and existing.partition_of == context.resolve(command.partition_of):
        wanted = found
    if command.if_not_exists and wanted == found and not (command.like or command.inherits):
        return outcome
    message = f"a relation {existing.name} exists already, and its columns are not those of the file"
    if wanted == found:
        message = f"a relation {existing.name} exists already"
    hazard = wrong(
        HazardKind.NAME_TAKEN, message, "choose another name, or remove it", existing.name, "catalogue 170"
    )
    return replace(outcome, hazards=(hazard,))


CREATE_TABLE = FormOperation(name=NAME, form=CreateTable, outcome=_plan)
