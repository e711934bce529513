"""Running: what has begun goes on first, then what is pending is planned from the database as it then is."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from migrator.database import leases
from migrator.database.journal_store import JournalStore
from migrator.database.session import Connector
from migrator.errors import (
    ApprovalNeeded,
    InputError,
    MigrateError,
    NoBaselineError,
    NotDisposable,
    UsageError,
)
from migrator.execution.events import Observer
from migrator.execution.journal import Journal, MigrationRecord, MigrationState
from migrator.execution.options import RunOptions, RunResult
from migrator.plan.plan import Plan
from migrator.plan.step import Phase, Step
from migrator.policy import Policy
from migrator.reports.words import counted
from migrator.sql.migration import Migration
from migrator.workflow import preflight
from migrator.workflow.agenda import Agenda, combined, prepare
from migrator.workflow.observation import Observation, observe
from migrator.workflow.running import run


class Unapproved(ApprovalNeeded):
    """Hazards stand in the way of a run; `agenda` has the plan that shows them."""

    default_hint = 'approve each in its file: -- migrate: allow HAZARD reason="…" (migrate explain HAZARD)'

    def __init__(self, agenda: Agenda) -> None:
        number, file = len(agenda.unapproved), agenda.plan.approvals_file
        hint = None if file is None else f"approve in {file}: migrate approve FILE --reason …"
        super().__init__(f"{counted(number, 'hazard')} without approval; nothing was run", hint=hint)
        self.agenda = agenda


def apply(
    connector: Connector,
    migrations: Sequence[Migration],
    policy: Policy,
    options: RunOptions,
    observer: Observer,
    *,
    agenda: Agenda | None = None,
) -> RunResult:
    """Resume what has begun, then run what is pending; `agenda` spares a look at the database.

    What another run has made stale is planned anew, and what another run works on is waited for.
    """
    agendas = [agenda] if agenda else []

    def once() -> RunResult:
        now = agendas.pop() if agendas else look(connector, migrations, policy, options, observer)[1]
        return _apply_once(connector, migrations, policy, options, observer, agenda=now)

    return until_nobody_else(connector, policy, options, observer, once)


def _apply_once(
    connector: Connector,
    migrations: Sequence[Migration],
    policy: Policy,
    options: RunOptions,
    observer: Observer,
    *,
    agenda: Agenda,
) -> RunResult:
    before = RunResult()
    going_on = going_on_with(agenda, options)
    if going_on:
        only = replace(options, only=frozenset(record.version for record in going_on))
        left = [preflight.left(record, agenda.plan_of(record)) for record in going_on]
        preflight.check(connector, combined(left), policy)
        _store_edited(connector, agenda, policy, options)
        before = run(connector, Plan(), policy, only, observer)
        agenda = look(connector, migrations, policy, options, observer)[1]
    preflight.check(connector, agenda.pending, policy)
    fresh = replace(options, seen=agenda.seen)
    return together(before, run(connector, agenda.pending, policy, fresh, observer))


def _store_edited(connector: Connector, agenda: Agenda, policy: Policy, options: RunOptions) -> None:
    """Record the merged plans, with which the run then goes on."""
    if not agenda.edited.migrations:
        return
    records = {record.version: record for record in agenda.unfinished}
    with connector.session("apply") as connection:
        store = JournalStore(connection, policy.journal_schema, options.provenance)
        for version in (migration.version for migration in agenda.edited.migrations):
            store.set_plan(version, agenda.edited.only(version), records[version])


def look(
    connector: Connector,
    migrations: Sequence[Migration],
    policy: Policy,
    options: RunOptions,
    observer: Observer,
) -> tuple[Observation, Agenda]:
    """Read the database and plan; what is wrong while another run changes things is looked at again.

    Raises where the run may not begin, and RunnerBusy where the other run takes longer than `options.wait_s`.
    """
    while True:
        observation = observe(connector, policy)
        try:
            return observation, ready(migrations, observation, policy, options)
        except MigrateError:
            schema, seen = policy.journal_schema, observation.journal
            if not leases.others_were_at_it(connector, schema, seen, options, observer):
                raise


def until_nobody_else(
    connector: Connector,
    policy: Policy,
    options: RunOptions,
    observer: Observer,
    once: Callable[[], RunResult],
) -> RunResult:
    """Do it once, and again after each wait for what other runs work on; for `options.wait_s` in all.

    Raises RunnerBusy: everything else is done then.
    """
    result, waited = RunResult(), 0.0
    while True:
        latest = once()
        here = tuple(o for o in result.outcomes if o.elsewhere is None)
        result = together(replace(result, outcomes=here), latest)
        if latest.overtaken:
            continue
        if not latest.elsewhere:
            return result
        waited += leases.wait_until_free(
            connector,
            policy.journal_schema,
            latest.elsewhere,
            options,
            observer,
            wait_s=max(options.wait_s - waited, 0.0),
        )


def ready(
    migrations: Sequence[Migration], observation: Observation, policy: Policy, options: RunOptions
) -> Agenda:
    """Return the agenda of a run; raises where the run may not begin."""
    check_disposable(observation, policy)
    _check_baseline(observation, policy)
    agenda = prepare(migrations, observation, policy, to_version=options.to_version)
    if agenda.concerns_live:
        _check_gates(observation, policy, options)
    if agenda.unapproved:
        raise Unapproved(agenda)
    return agenda


def check_may_begin(observation: Observation, policy: Policy, options: RunOptions) -> None:
    """Raise where a database without a journal is in use, or its gates would be passed without a name."""
    check_disposable(observation, policy)
    _check_baseline(observation, policy)
    _check_gates(observation, policy, options)


def check_disposable(observation: Observation, policy: Policy) -> None:
    """Raise NotDisposable where a disposable environment leads to a database that others migrated."""
    journal, database = observation.journal, observation.facts.database
    counts = journal.exists and not journal.disposable and bool(journal.migrations or observation.facts.live)
    if policy.disposable and counts:
        raise NotDisposable(
            f"this environment says disposable = true, but {observation.place} was migrated "
            "as a database that counts: nothing was done",
            hint=f"is it the right database? If it may really be dropped: migrate reset --adopt {database}",
        )


def _check_baseline(observation: Observation, policy: Policy) -> None:
    if not observation.needs_baseline:
        return
    database = observation.facts.database
    anew = f"make it anew from the files: migrate reset --adopt {database}; or {NoBaselineError.default_hint}"
    raise NoBaselineError(
        f"database {database} has tables, and no journal says which files they came from",
        hint=anew if policy.disposable else None,
    )


def _check_gates(observation: Observation, policy: Policy, options: RunOptions) -> None:
    if options.all_phases and observation.facts.live and not policy.disposable:
        raise UsageError(
            "--all-phases would run contract steps on a database that is in use",
            hint="name what may be contracted: migrate contract VERSION; "
            "or set `disposable = true` for this environment",
        )


def going_on_with(agenda: Agenda, options: RunOptions | None = None) -> tuple[MigrationRecord, ...]:
    """Return the migrations that have begun and have something left to run now."""
    edited = {m.version for m in agenda.edited.migrations}
    return tuple(
        record
        for record in agenda.unfinished
        if record.state is not MigrationState.WAITING
        or record.version in edited
        or (options is not None and options.may_contract(record.version))
    )


def remaining(record: MigrationRecord, plan: Plan) -> tuple[Step, ...]:
    """Return the steps of a begun migration that are not done."""
    steps = plan.steps_of(record.version)
    return tuple(s for s in steps if s.id not in record.steps or not record.steps[s.id].done)


def together(first: RunResult, second: RunResult) -> RunResult:
    """Return the outcome of two runs as one: what the second says, with the steps of both."""
    ran = {o.version: o.steps_run for o in first.outcomes}
    later = {o.version for o in second.outcomes}
    return RunResult(
        outcomes=(
            *(o for o in first.outcomes if o.version not in later),
            *(replace(o, steps_run=o.steps_run + ran.get(o.version, 0)) for o in second.outcomes),
        ),
        overtaken=second.overtaken,
    )


def contract(
    connector: Connector, versions: Sequence[str], policy: Policy, options: RunOptions, observer: Observer
) -> RunResult:
    """Run the contract phase of these versions and nothing else; `contractable` has checked them."""
    named = frozenset(versions)
    preflight.check_begun(connector, versions, policy)
    asked = replace(options, only=named, contract=named)

    def once() -> RunResult:
        return run(connector, Plan(), policy, asked, observer)

    return until_nobody_else(connector, policy, asked, observer, once)


def contractable(journal: Journal, versions: Sequence[str]) -> tuple[MigrationRecord, ...]:
    """Return those of the versions whose contract phase is to be run; raises where one cannot be."""
    known = [_begun(journal, version) for version in versions]
    records = tuple(r for r in known if r.state not in {MigrationState.APPLIED, MigrationState.BASELINED})
    for record in records:
        _check_expanded(record)
    return records


def waiting_through(journal: Journal, version: str) -> tuple[str, ...]:
    """Return the waiting versions up to and including this one, which the journal has to know."""
    last = int(_begun(journal, version).version)
    waiting = (r for r in journal.unfinished if r.state is MigrationState.WAITING)
    return tuple(r.version for r in waiting if int(r.version) <= last)


def _begun(journal: Journal, version: str) -> MigrationRecord:
    record = journal.get(version)
    if record is None:
        waiting = ", ".join(r.version for r in journal.unfinished) or "none"
        raise InputError(
            f"the journal has no migration {version} (waiting: {waiting})",
            hint="contract comes after: migrate apply",
        )
    return record


def _check_expanded(record: MigrationRecord) -> None:
    early = [s for s in remaining(record, record.plan or Plan()) if s.phase is not Phase.CONTRACT]
    if early:
        raise InputError(
            f"{record.version} {record.name} has {counted(len(early), 'step')} left before its contract "
            f"phase, the first is {early[0].id}: {early[0].title}",
            hint="first: migrate apply",
        )
