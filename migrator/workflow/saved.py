"""A saved plan: runs verbatim, or is refused with what has changed since it was made."""

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from migrator.database.session import Connector
from migrator.errors import StalePlanError
from migrator.execution.events import Observer
from migrator.execution.journal import Journal
from migrator.execution.options import RunOptions, RunResult
from migrator.plan.plan import Plan
from migrator.policy import Policy
from migrator.sql.migration import Migration
from migrator.workflow import preflight
from migrator.workflow.agenda import Agenda, combined
from migrator.workflow.applying import Unapproved, until_nobody_else
from migrator.workflow.observation import Observation
from migrator.workflow.running import run

_EMPTY: dict[str, tuple[()]] = {"fingerprints": (), "migrations": (), "statements": (), "steps": ()}


def apply_saved(
    connector: Connector, plan: Plan, policy: Policy, options: RunOptions, observer: Observer
) -> RunResult:
    """Run a plan that `check_fresh` has let pass; other migrations are left alone."""
    only = replace(options, only=frozenset(m.version for m in plan.migrations))
    preflight.check(connector, plan, policy)

    def once() -> RunResult:
        return run(connector, plan, policy, only, observer)

    return until_nobody_else(connector, policy, only, observer, once)


def saved_agenda(
    plan: Plan, migrations: Sequence[Migration], observation: Observation, policy: Policy
) -> Agenda:
    """Return what is to be done of a saved plan; raises StalePlanError, and Unapproved for its hazards."""
    check_fresh(plan, migrations, observation, policy)
    journal = observation.journal
    versions = [m.version for m in plan.migrations]
    fresh = [plan.only(version) for version in versions if journal.get(version) is None]
    agenda = Agenda(
        pending=combined([msgspec.structs.replace(plan, **_EMPTY), *fresh]),
        edited=Plan(),
        unfinished=tuple(r for r in journal.unfinished if r.version in versions),
    )
    if agenda.unapproved:
        raise Unapproved(agenda)
    return agenda


def check_fresh(
    plan: Plan, migrations: Sequence[Migration], observation: Observation, policy: Policy
) -> None:
    """Raise StalePlanError naming everything that has changed since the plan was made."""
    changes = (
        *_header(plan, observation, policy),
        *_files(plan, migrations),
        *_journal(plan, observation.journal),
        *_relations(plan, observation),
    )
    if changes:
        raise StalePlanError("the saved plan is stale:" + "".join(f"\n  - {change}" for change in changes))


def _header(plan: Plan, observation: Observation, policy: Policy) -> list[str]:
    facts = observation.facts
    changes = []
    if plan.facts != "database":
        changes.append("it was made without a database, so nothing tells whether it fits this one")
    if plan.server_version.major != facts.server_version.major:
        was, now = plan.server_version.major, facts.server_version.major
        changes.append(f"it was made for PostgreSQL {was}, the server is {now}")
    if plan.journal_schema != policy.journal_schema:
        changes.append(f"its journal is in schema {plan.journal_schema}, ours in {policy.journal_schema}")
    if facts.live and not plan.live and not observation.journal.exists:
        changes.append("it was made for an empty database, and this one has tables")
    return changes


def _files(plan: Plan, migrations: Sequence[Migration]) -> list[str]:
    now = {m.version: tuple(s.checksum for s in m.statements) for m in migrations}
    changes = []
    for planned in plan.migrations:
        checksums = tuple(s.checksum for s in plan.statements if s.migration == planned.version)
        if planned.version not in now:
            changes.append(f"{planned.file} is gone")
        elif now[planned.version] != checksums:
            changes.append(f"{planned.file} was edited")
    return changes


def _journal(plan: Plan, journal: Journal) -> list[str]:
    changes = []
    for planned in plan.migrations:
        record = journal.get(planned.version)
        if record is not None and record.plan is None:
            changes.append(f"{planned.version} is {record.state} already, without a plan")
        elif record is not None and record.plan is not None and not _same(record.plan, plan, planned.version):
            changes.append(f"{planned.version} has begun with another plan")
    return changes


def _same(stored: Plan, plan: Plan, version: str) -> bool:
    return stored.steps_of(version) == plan.steps_of(version)


def _relations(plan: Plan, observation: Observation) -> list[str]:
    """What a begun migration of the plan has touched is the runner's to check: it has changed it."""
    begun = [r for m in plan.migrations if (r := observation.journal.get(m.version)) is not None]
    if any(record.touches_everything for record in begun):
        return []
    ours = frozenset(name for record in begun for name in record.touches)
    changes = [
        f"{name} exists now"
        for name in dict.fromkeys(n for m in plan.migrations for n in m.touches)
        if name not in ours | plan.passing | {f.relation for f in plan.fingerprints}
        and observation.facts.relation(name)
    ]
    for made in plan.fingerprints:
        found = observation.facts.relation(made.relation)
        if made.relation in ours:
            continue
        if found is None:
            changes.append(f"{made.relation} does not exist any more")
        elif found.fingerprint != made.digest:
            changes.append(f"{made.relation} was changed")
    return changes
