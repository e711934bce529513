"""`migrate status` as text and as JSON; the JSON is documented in docs/commands/status.md."""

from datetime import datetime
from typing import Any

import msgspec

from migrator.cli.output import Styled, one_line
from migrator.cli.redact import redact
from migrator.cli.units import count, duration, rate
from migrator.database.journal_store import ProgressRow
from migrator.execution.blocker import RunnerSession, fields_of
from migrator.execution.journal import Journal, MigrationRecord, MigrationState, StepState
from migrator.plan.step import Phase, Step
from migrator.sql.migration import Migration

FORMAT = 1

_COLORS = {
    MigrationState.APPLIED: "green",
    MigrationState.BASELINED: "green",
    MigrationState.WAITING: "yellow",
    MigrationState.BEGUN: "cyan",
    MigrationState.FAILED: "red",
}


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to show."""

    place: str
    journal: Journal
    progress: tuple[ProgressRow, ...]
    pending: tuple[Migration, ...] | None
    sessions: tuple[RunnerSession, ...] = ()

    @property
    def waiting(self) -> tuple[MigrationRecord, ...]:
        """Migrations whose contract phase waits."""
        return tuple(m for m in self.journal.unfinished if m.state is MigrationState.WAITING)

    @property
    def unfinished(self) -> tuple[MigrationRecord, ...]:
        """Migrations with something left before contract."""
        return tuple(m for m in self.journal.unfinished if m.state is not MigrationState.WAITING)


def steps_left(record: MigrationRecord) -> tuple[Step, ...]:
    """Return the steps of a begun migration that are not done."""
    steps = () if record.plan is None else record.plan.steps_of(record.version)
    return tuple(s for s in steps if s.id not in record.steps or not record.steps[s.id].done)


def as_json(seen: Status) -> str:
    """Return the status as one JSON document."""
    journal = seen.journal
    document = {
        "format": FORMAT,
        "database": seen.place,
        "journal": journal.exists,
        "paused": journal.paused,
        "paused_reason": journal.paused_reason,
        "runner": None if journal.runner is None else msgspec.to_builtins(journal.runner),
        "sessions": [_session(session) for session in seen.sessions],
        "leases": [
            {"version": lease.version} | msgspec.to_builtins(lease.runner) for lease in journal.leases
        ],
        "migrations": [_migration(record) for record in journal.migrations],
        "progress": [msgspec.to_builtins(row) for row in seen.progress],
        "pending": None
        if seen.pending is None
        else [{"version": m.version, "name": m.name, "file": m.file} for m in seen.pending],
    }
    return redact(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def _session(session: RunnerSession) -> dict[str, Any]:
    return {
        "pid": session.pid,
        "purpose": session.purpose,
        "waits_for": fields_of(session.waits_for),
        "behind": fields_of(session.behind),
    }


def _migration(record: MigrationRecord) -> dict[str, Any]:
    return {
        "version": record.version,
        "name": record.name,
        "file": record.file,
        "state": str(record.state),
        "began_at": record.began_at,
        "finished_at": record.finished_at,
        "error": record.error,
        "steps": [
            _step(record, step) for step in (record.plan.steps_of(record.version) if record.plan else ())
        ],
    }


def _step(record: MigrationRecord, step: Step) -> dict[str, Any]:
    known = record.steps.get(step.id)
    return {
        "id": step.id,
        "phase": str(step.phase),
        "title": step.title,
        "state": "pending" if known is None else str(known.state),
        "attempts": 0 if known is None else known.attempts,
        "started_at": None if known is None else known.started_at,
        "finished_at": None if known is None else known.finished_at,
        "error": None if known is None else known.error,
    }


def as_text(seen: Status) -> list[str | Styled]:
    """Return the status for people, as pieces of text: the verdict first."""
    lines: list[str | tuple[Styled, str]] = [
        _verdict(seen),
        f"database: {seen.place}",
        *_runner(seen),
        "",
    ]
    lines += [
        _line(str(m.state), m.version, m.name, _when(m), _COLORS.get(m.state))
        for m in seen.journal.migrations
    ]
    lines += [_line(_PENDING, m.version, m.name, "", None) for m in seen.pending or ()]
    if seen.pending is None:
        lines.append("(the migration files are not at hand, so what is pending is not known)")
    for record in seen.journal.unfinished:
        lines += ["", *_unfinished(record, seen.progress)]
    pieces = [piece for line in lines for piece in ("\n", *([line] if isinstance(line, str) else line))]
    return [redact(piece) if isinstance(piece, str) else piece for piece in pieces[1:]]


_PENDING = "pending"


def _verdict(seen: Status) -> str:
    if not seen.journal.exists:
        return "no journal yet: nothing was ever applied here by migrate"
    parts = []
    for number, word in (
        (len(seen.pending or ()), "pending"),
        (sum(m.state is MigrationState.BEGUN for m in seen.unfinished), "unfinished"),
        (sum(m.state is MigrationState.FAILED for m in seen.unfinished), "failed"),
        (len(seen.waiting), "waiting for contract"),
    ):
        parts += [f"{number} {word}"] if number else []
    return ", ".join(parts) if parts else "up to date"


def _runner(seen: Status) -> list[str]:
    journal, lines = seen.journal, []
    if journal.paused:
        reason = f": {journal.paused_reason}" if journal.paused_reason else ""
        lines.append(f"paused{reason} (go on with migrate resume)")
    if journal.runner is not None:
        lines.append(f"runner:   {journal.runner}")
    lines += [f"backfill: {lease}" for lease in journal.leases]
    for session in seen.sessions:
        lines += [f"process {session.pid} waits for {blocker}" for blocker in session.waits_for]
        lines += [f"process {session.pid} is waited for by {blocker.wanting}" for blocker in session.behind]
    return lines


def _line(state: str, version: str, name: str, when: str, color: str | None) -> tuple[Styled, str]:
    return Styled(f"{state:<12}", color), f"{version}  {one_line(name)}{when}"


def _when(record: MigrationRecord) -> str:
    moment = record.finished_at or record.began_at
    word = "" if record.finished_at else "began "
    return "" if moment is None else f"  ({word}{_stamp(moment)})"


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S%z}"


def _unfinished(record: MigrationRecord, progress: tuple[ProgressRow, ...]) -> list[str]:
    lines = [f"{record.version} {record.name}"]
    lines += ["  error: " + record.error.replace("\n", "\n    ")] if record.error else []
    by_step = {row.step: row for row in progress if row.migration == record.version}
    for step in record.plan.steps_of(record.version) if record.plan else ():
        known = record.steps.get(step.id)
        state = "pending" if known is None else str(known.state)
        lines.append(f"  {step.id:<6}{state:<10}{step.phase:<10}{step.title}")
        if step.id in by_step and (known is None or not (known.done or known.state is StepState.FAILED)):
            lines += [f"        {text}" for text in _progress(by_step[step.id])]
    return [*lines, *_way_on(record)]


def _way_on(record: MigrationRecord) -> list[str]:
    early = any(step.phase is not Phase.CONTRACT for step in steps_left(record))
    command = "migrate apply" if early else f"migrate contract {record.version}"
    match record.state:
        case MigrationState.FAILED:
            by_hand = f"migrate resolve {record.version} --applied | --rolled-back --reason …"
            return [
                f"  then: mend the cause and {command}; or finish or undo it by hand and {by_hand}",
                "  more: migrate explain runbook",
            ]
        case _:
            return [f"  then: {command}"] if steps_left(record) else []


def _progress(row: ProgressRow) -> list[str]:
    lines = []
    if row.rows_done is not None:
        of = f" of about {count(row.estimated_rows)}" if row.estimated_rows else ""
        percent = "" if row.percent is None else f" ({row.percent:.0f} %)"
        left = "" if row.eta_s is None else f", {duration(row.eta_s)} left"
        speed = f", {rate(row.rate)}" if row.rate else ""
        lines.append(f"{count(row.rows_done)}{of} rows{percent}{speed}{left}")
    if row.stage:
        lines.append(row.stage + ("" if row.percent is None else f" ({row.percent:.0f} %)"))
    if row.waits_for:
        lines.append(f"waits for {row.waits_for}")
    return lines
