"""What is to be done, as files, journal and database say together; pure but for the planner it calls."""

from collections.abc import Mapping, Sequence

import msgspec
from msgspec.structs import replace

from migrator import __version__, planner
from migrator.errors import InputError
from migrator.execution import reconcile, replan
from migrator.execution.journal import Journal, MigrationRecord, MigrationState
from migrator.execution.reconcile import Edited, FileState, Reconciliation
from migrator.plan.hazard import Hazard
from migrator.plan.plan import Plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.sql.migration import Migration
from migrator.workflow.observation import Observation


class Agenda(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done."""

    pending: Plan
    """Of the files that the journal lacks, made now."""
    edited: Plan
    """Of begun migrations whose remaining statements were edited: the begun plan merged with a new one."""
    notes: tuple[str, ...] = ()
    """What a developer should know of a disposable database."""
    seen: int | None = None
    """The journal's latest event when it was made, -1 while a run was going on; None: runs as it is."""
    unfinished: tuple[MigrationRecord, ...] = ()
    """Begun migrations, waiting ones included; each goes on with the plan in its record or in `edited`."""

    @property
    def plan(self) -> Plan:
        """What is new in it: the pending files and the edited ones."""
        return combined([self.pending, self.edited])

    def plan_of(self, record: MigrationRecord) -> Plan:
        """Return the plan that a begun migration goes on with."""
        merged = self.edited.only(record.version)
        return merged if merged.migrations else record.plan or Plan()

    @property
    def unapproved(self) -> tuple[Hazard, ...]:
        """Hazards that must be approved before anything runs.

        A pending file that touches what an unfinished one touches was planned from facts in between, so its
        hazards are looked at again when that one has ended.
        """
        blocking = [h for h in self.edited.hazards if h.blocks]
        if any(h.blocks for h in self.pending.hazards):
            ready = [m.version for m in self.pending.migrations if not self.is_held(m.version)]
            blocking += [h for v in ready for h in self.pending.only(v).hazards if h.blocks]
        return tuple(blocking)

    @property
    def concerns_live(self) -> bool:
        """Whether any of it was planned for a database in use; so is what has nothing to do."""
        planned = [self.pending.live] if self.pending.migrations else []
        return any([*planned, *(record.live for record in self.unfinished)] or [True])

    def is_held_back(self, version: str) -> bool:
        """Whether a pending file cannot be begun by the next run: a waiting one touches what it touches."""
        return self._shares(version, [r for r in self.unfinished if r.state is MigrationState.WAITING])

    def is_held(self, version: str) -> bool:
        """Whether a pending file touches what an unfinished one touches."""
        return self._shares(version, self.unfinished)

    def _shares(self, version: str, others: Sequence[MigrationRecord]) -> bool:
        mine = next(m for m in self.pending.migrations if m.version == version)
        return any(
            mine.touches_everything or other.touches_everything or other.touches & set(mine.touches)
            for other in others
        )


def prepare(
    migrations: Sequence[Migration],
    observation: Observation,
    policy: Policy,
    *,
    to_version: str | None = None,
) -> Agenda:
    """Compare the files with the journal, and plan what is pending up to `to_version`.

    Raises ChecksumError, OrderError and what the planner raises.
    """
    journal = observation.journal
    files = [file_state(migration) for migration in migrations]
    found = reconcile.reconcile(journal, files, disposable=policy.disposable)
    raise_all(found.errors)
    wanted = up_to(found.pending, [f.version for f in files], to_version)
    chosen = [m for m in migrations if m.version in wanted]
    pending = planner.plan(chosen, observation.facts_for(wanted), policy, tool_version=__version__)
    touching = _with_touches([f for f in files if f.version in wanted], pending)
    if not policy.disposable:
        raise_all(reconcile.check_order(journal, touching, [f.version for f in files]))
    by_version = {m.version: m for m in migrations}
    merged = [_merged(journal, by_version[e.version], e, observation.facts, policy) for e in found.edited]
    return Agenda(
        pending=pending,
        edited=combined(merged) if merged else Plan(),
        notes=_notes(journal, found, by_version) if policy.disposable else (),
        seen=-1 if journal.runner is not None else journal.latest_event,
        unfinished=journal.unfinished,
    )


def _notes(journal: Journal, found: Reconciliation, files: Mapping[str, Migration]) -> tuple[str, ...]:
    """Say where a disposable database differs from what the files would make."""
    gone = [r for version in found.missing if (r := journal.get(version)) is not None]
    differing = [
        *(f"{files[version].file} was edited after it was applied" for version in found.outdated),
        *(f"{r.file} was applied, and is gone" for r in gone),
    ]
    advice = "the database is not what the files say; to make it anew from them: migrate reset"
    return (*differing, advice) if differing else ()


def file_state(migration: Migration) -> FileState:
    """Return a file as the decisions of a run know it."""
    return FileState(
        version=migration.version,
        name=migration.name,
        file=migration.file,
        checksums=tuple(s.checksum for s in migration.statements),
        places=tuple(s.at for s in migration.statements),
    )


def combined(plans: Sequence[Plan]) -> Plan:
    """Return one plan of several; the header is the first one's."""
    return msgspec.structs.replace(
        plans[0],
        fingerprints=tuple(dict.fromkeys(f for p in plans for f in p.fingerprints)),
        migrations=tuple(m for p in plans for m in p.migrations),
        statements=tuple(s for p in plans for s in p.statements),
        steps=tuple(s for p in plans for s in p.steps),
        estimates=tuple(e for p in plans for e in p.estimates),
    )


def raise_all(errors: Sequence[InputError]) -> None:
    """Raise the error there is; several as one, a line each."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise type(errors[0])("\n".join(map(str, errors)), hint=errors[0].hint)


def up_to(pending: Sequence[str], ordered: Sequence[str], to_version: str | None) -> tuple[str, ...]:
    """Return the pending versions that do not come after `to_version` in the order of the files."""
    if to_version is None:
        return tuple(pending)
    if to_version not in ordered:
        raise InputError(
            f"there is no migration file of version {to_version}", hint="migrate status lists them"
        )
    allowed = set(ordered[: ordered.index(to_version) + 1])
    return tuple(version for version in pending if version in allowed)


def _with_touches(files: Sequence[FileState], plan: Plan) -> list[FileState]:
    planned = {m.version: m for m in plan.migrations}
    return [
        replace(
            f,
            touches=frozenset(planned[f.version].touches),
            touches_everything=planned[f.version].touches_everything,
        )
        for f in files
    ]


def _merged(journal: Journal, migration: Migration, edited: Edited, facts: Facts, policy: Policy) -> Plan:
    record = journal.get(migration.version)
    if record is None:
        raise ValueError(f"{migration.version} has not begun")
    as_begun = msgspec.structs.replace(facts, live=record.live)
    planned = planner.plan([migration], as_begun, policy, tool_version=__version__)
    return replan.merge(record, planned, edited.begun)
