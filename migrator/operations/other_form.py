"""Every other form that is read completely: it is free, or it needs an approval, by the catalogue's word.

What it does
    What `known_forms` says, row by row.

Why it is dangerous
    As `known_forms` says: a rewrite, a scan or an index build under a strong lock, code that breaks, data
    lost.

What is done instead
    Free forms run as written, under the lock budget. The others have no safe sequence yet: where the
    relation is in use they need an approval with a reason, and then run as written; where code breaks or
    data goes they wait in the contract phase.

Source
    The rows of the catalogue that `known_forms` names.
"""

import msgspec
from msgspec.structs import replace

from migrator.operations import form_effects
from migrator.operations.base import Context, FormOperation, Outcome
from migrator.operations.form_facts import after_action
from migrator.operations.hazards import needs_approval
from migrator.operations.known_actions import ACTIONS
from migrator.operations.known_commands import COMMANDS
from migrator.operations.known_forms import UNKNOWN, Form, Verdict, Work
from migrator.operations.liveness import empty, endangered, in_use, live
from migrator.operations.renamed_objects import after_rename, nobody_knows, resolve_type
from migrator.operations.steps import (
    approved_timeouts,
    as_written,
    as_written_without_lock_table,
    autocommit,
    locks_on,
)
from migrator.operations.target import extension_owned, table_of
from migrator.operations.transaction_blocks import outside
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import (
    AddConstraint,
    ExcludeConstraint,
    KnownForm,
    OtherAction,
    RenameTable,
)

NAME = "other-form"

_CODE = frozenset({"DO", "CALL"})
"""They run code that may touch anything."""


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A form, and the relations that it is about."""

    words: str
    form: Form
    names: tuple[QualifiedName, ...]
    """The relation itself first, then others that it names or locks."""
    text: str = ""
    """Of the form as written."""
    objects: tuple[QualifiedName, ...] = ()
    """What it names besides relations."""
    is_table: bool = True


def _action_words(action: object) -> str:
    match action:
        case RenameTable():
            return "RENAME TO"
        case AddConstraint():
            return "ADD EXCLUDE"
        case OtherAction():
            return action.kind
        case _:
            raise TypeError(type(action).__name__)


def _plan_action(action: object, context: Context) -> Outcome:
    words, table = _action_words(action), table_of(context)
    object_kind = "TABLE" if context.alter is None else context.alter.object_kind
    named = action.names if isinstance(action, OtherAction) else ()
    text = action.text.text if isinstance(action, OtherAction) else ""
    if words == "ALTER CONSTRAINT" and form_effects.enforces(text):
        words = f"{words} ENFORCED"
    whole = words if object_kind == "TABLE" else f"{object_kind} {words}"
    case = Case(
        words=whole,
        form=ACTIONS.get(whole) or ACTIONS.get(words, UNKNOWN),
        names=(table, *(context.resolve(name) for name in named)),
        text=text,
        is_table=object_kind in {"TABLE", "FOREIGN TABLE"},
    )
    if form_effects.changes_nothing(words, table, context.facts):
        case = replace(case, form=replace(case.form, work=Work.NONE, verdict=Verdict.FREE))
    return _outcome(case, after_action(action, table, context.facts), context)


def _plan_command(command: KnownForm, context: Context) -> Outcome:
    names = tuple(context.resolve(name) for name in command.relations)
    words = command.kind
    if words == "VACUUM" and "FULL" in context.statement.text.upper():
        words = "VACUUM FULL"
    form = COMMANDS.get(words, UNKNOWN)
    if nobody_knows(command, context):
        form = replace(form, verdict=Verdict.FREE)
    text = context.statement.text
    case = Case(words=words, form=form, names=names, text=text, objects=command.names)
    if words not in _CODE:
        return _outcome(case, after_rename(command, context), context)
    facts = msgspec.structs.replace(context.facts, complete=False)
    return replace(_outcome(case, facts, context), touches_everything=True)


def unmatched(context: Context) -> Outcome:
    """Return the outcome of a form that no operation is responsible for: it is refused."""
    words = " ".join(context.statement.text.split()[:2]).upper()
    names = () if context.alter is None else (table_of(context),)
    case = Case(words=words, form=UNKNOWN, names=names)
    return _outcome(case, context.facts, context)


def _outcome(case: Case, facts: Facts, context: Context) -> Outcome:
    effect = _effect(case, context)
    return Outcome(
        operation=NAME,
        effect=effect,
        hazards=_hazards(case, effect, context),
        steps=(_step(case, effect, context),),
        facts=facts,
        touches=case.names,
        as_written=True,
    )


def _effect(case: Case, context: Context) -> Effect:
    about = case.names or tuple(resolve_type(name, context) for name in case.objects)
    special = form_effects.effect_of(case.words, case.form, about, case.text, context) if about else None
    if special is not None:
        return special
    mode, names = case.form.lock, case.names
    locks = [lock for n in names for lock in locks_on(n, mode, context.facts)] if mode is not None else []
    subjects = names[:1]
    return Effect(
        locks=tuple(RelationLock(lock.relation, lock.mode) for lock in dict.fromkeys(locks)),
        scans=subjects if case.form.work is Work.SCAN else (),
        rewrites=subjects if case.form.work is Work.REWRITE else (),
        index_builds=subjects if case.form.work is Work.INDEX else (),
    )


def _step(case: Case, effect: Effect, context: Context) -> Step:
    title = f"{case.words}{''.join(f' {name}' for name in case.names[:1])}"
    if outside(context.statement.text):
        return autocommit(context, title, effect)
    build = as_written if case.is_table else as_written_without_lock_table
    step = build(context, title, effect, undo_note="written by hand where it is needed")
    if case.form.verdict is Verdict.FREE or not _concerns(case, context):
        return step
    gone = case.form.breaks or case.form.destroys or case.form.verdict is not Verdict.REFUSED
    phase = Phase.CONTRACT if gone else Phase.EXPAND
    return msgspec.structs.replace(step, phase=phase, timeouts=approved_timeouts(context))


def _concerns(case: Case, context: Context) -> bool:
    """Whether anybody can be harmed: data and names matter in small tables too, work only in large ones."""
    relations = [context.facts.relation(name) for name in case.names]
    used = any(in_use(relation, context) for relation in relations) if relations else live(context)
    form = case.form
    lasting = form.breaks or form.destroys or form.verdict is not Verdict.REFUSED
    if lasting or not relations or form.work is Work.NONE:
        return used
    return any(endangered(relation, context) for relation in relations)


def _hazards(case: Case, effect: Effect, context: Context) -> tuple[Hazard, ...]:
    form = case.form
    owned = tuple(h for name in case.names[:1] for h in extension_owned(context.facts.relation(name)))
    if form.verdict is Verdict.FREE or not _concerns(case, context):
        return owned
    kinds = [HazardKind.NO_SAFE_SEQUENCE] if form.verdict is Verdict.REFUSED else []
    if form.breaks or form.verdict is Verdict.BREAKS:
        kinds.append(HazardKind.BREAKS_RUNNING_CODE)
    if (form.destroys or form.verdict is Verdict.DESTROYS) and not _known_empty(case, context):
        kinds.append(HazardKind.DATA_LOSS)
    return (*(_hazard(kind, case, effect) for kind in kinds), *owned)


def _known_empty(case: Case, context: Context) -> bool:
    relations = [context.facts.relation(name) for name in case.names]
    return all(relation is not None and empty(relation, context.facts) for relation in relations)


def _hazard(kind: HazardKind, case: Case, effect: Effect) -> Hazard:
    subject = str(case.names[0]) if case.names else "the database"
    worst = effect.worst
    lock = "" if worst is None or not worst.blocks_writes else f" under {worst}"
    message = f"{case.words}{lock}: {subject} {case.form.reason}"
    relation = case.names[0] if case.names else None
    return needs_approval(kind, message, case.form.instead, relation, f"catalogue {case.form.row}")


RENAME_TABLE = FormOperation(name=NAME, form=RenameTable, outcome=_plan_action)
OTHER_ACTION = FormOperation(name=NAME, form=OtherAction, outcome=_plan_action)
ADD_EXCLUDE = FormOperation(
    name=NAME,
    form=AddConstraint,
    outcome=_plan_action,
    when=lambda action, _: isinstance(action.constraint, ExcludeConstraint),
)
KNOWN_FORM = FormOperation(name=NAME, form=KnownForm, outcome=_plan_command)
