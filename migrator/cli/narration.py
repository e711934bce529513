"""The events of a run as words and fields: one place for the terminal and for the log.

Pure. Fields hold plain values only, so that they can be written as JSON; the log's event names are documented
in docs/commands/apply.md.
"""

from typing import Any, assert_never

from migrator.cli.narration_of_runners import of_runner
from migrator.cli.note import Note
from migrator.cli.units import count, duration, rate
from migrator.execution import events
from migrator.execution.blocker import described, fields_of
from migrator.plan.step import Step
from migrator.reports.words import counted


def note(event: events.Event) -> Note:
    """Return how an event is told."""
    match event:
        case events.WaitingForRunner() | events.LeaseTaken() | events.TookOver() | events.Reconnected():
            return of_runner(event)
        case (
            events.MigrationStarted()
            | events.MigrationFinished()
            | events.MigrationBlocked()
            | events.MigrationElsewhere()
        ):
            return _of_migration(event)
        case events.StepStarted() | events.StepFinished():
            return _of_step(event)
        case events.LockAttemptFailed() | events.BuildProgress() | events.LeftAlone():
            return _waiting(event)
        case events.BlockerTerminated() | events.BlockerSpared():
            return _of_blocker(event)
        case events.PartitionDone(step=step, partition=partition, index=index):
            what = "done" if index is None else f"{index} is attached"
            return Note(
                name="partition.done",
                text=f"{step.title}: {partition}: {what}",
                fields=_step(step) | {"partition": str(partition), "index": str(index) if index else None},
                level="debug",
            )
        case events.WaitingForStandby(step=step, waited_s=waited, standbys=standbys):
            return Note(
                name="standby.waiting",
                text=f"{step.title}: done and released; no synchronous standby has confirmed it for "
                f"{duration(waited)} (synchronous_standby_names: {standbys})",
                fields=_step(step) | {"waited_s": round(waited, 1), "standbys": standbys},
                level="warning",
                every_s=10.0,
            )
        case events.BatchDone() | events.BatchCancelled() | events.Sweeping():
            return _of_backfill(event)
        case _:
            assert_never(event)


def _of_migration(
    event: events.MigrationStarted
    | events.MigrationFinished
    | events.MigrationBlocked
    | events.MigrationElsewhere,
) -> Note:
    fields: dict[str, Any] = {"version": event.version, "migration": event.name}
    title = f"{event.version} {event.name}"
    match event:
        case events.MigrationStarted(steps=steps, done=done):
            where = f"resumed, {done} of {counted(steps, 'step')} done" if done else counted(steps, "step")
            return Note(
                name="migration.started",
                text=f"{title}: {where}",
                fields=fields | {"steps": steps, "done": done},
            )
        case events.MigrationFinished(state=state, waiting=waiting):
            more = f"; {counted(len(waiting), 'contract step')} to come" if waiting else ""
            return Note(
                name="migration.finished",
                text=f"{title}: {state}{more}",
                fields=fields | {"state": str(state), "waiting": [step.title for step in waiting]},
            )
        case events.MigrationBlocked(by=by, relations=relations):
            what = ", ".join(relations) or "what cannot be known (a statement that was not understood)"
            return Note(
                name="migration.blocked",
                text=f"{title}: not begun, because {by} is unfinished and both touch {what}",
                fields=fields | {"by": by, "relations": list(relations)},
                level="warning",
            )
        case events.MigrationElsewhere(holder=holder):
            return Note(
                name="migration.elsewhere",
                text=f"{title}: left alone, because another run works on it: {holder}",
                fields=fields | {"holder": holder},
                level="warning",
            )


def _of_step(event: events.StepStarted | events.StepFinished) -> Note:
    fields = _step(event.step)
    match event:
        case events.StepStarted(number=number, steps=steps, resumed=resumed):
            again = " (resumed)" if resumed else ""
            return Note(
                name="step.started",
                text=f"[{number}/{steps}] {event.step.title}{again}",
                fields=fields | {"resumed": resumed},
            )
        case events.StepFinished(number=number, steps=steps, seconds=seconds, found_done=found):
            rows = "" if event.rows is None else f", {count(event.rows)} rows"
            proof = ", found done" if found else ""
            tries = f", {event.attempts} attempts" if event.attempts > 1 else ""
            return Note(
                name="step.finished",
                text=f"[{number}/{steps}] {event.step.title} ({duration(seconds)}{rows}{tries}{proof})",
                fields=fields
                | {
                    "seconds": round(seconds, 3),
                    "attempts": event.attempts,
                    "found_done": found,
                    "rows": event.rows,
                },
            )


def _waiting(event: events.LockAttemptFailed | events.BuildProgress | events.LeftAlone) -> Note:
    match event:
        case events.LockAttemptFailed():
            return _lock_attempt(event)
        case events.BuildProgress():
            return _build(event)
        case events.LeftAlone(step=step, indexes=indexes, ours=ours):
            why = "this role may not remove them" if ours else "this step did not make them"
            way = "as a superuser" if ours else "if nobody needs them"
            return Note(
                name="index.left_alone",
                text=f"{step.title}: left alone, because {why}: invalid indexes "
                f"{', '.join(indexes)}; writes pay for them: {way}, DROP INDEX CONCURRENTLY",
                fields=_step(step) | {"indexes": list(indexes)},
                level="warning",
            )


def _of_blocker(event: events.BlockerTerminated | events.BlockerSpared) -> Note:
    match event:
        case events.BlockerTerminated(step=step, blocker=blocker, after_s=after):
            return Note(
                name="blocker.terminated",
                text=f"ended, after {duration(after)} in the way of {step.title}: {blocker}",
                fields=_step(step) | {"after_s": after} | fields_of((blocker,))[0],
                level="warning",
            )
        case events.BlockerSpared(step=step, blocker=blocker, reason=reason):
            return Note(
                name="blocker.spared",
                text=f"in the way of {step.title}, and not ended: {reason}: {blocker}",
                fields=_step(step) | {"reason": reason} | fields_of((blocker,))[0],
                level="warning",
            )


def _of_backfill(event: events.BatchDone | events.BatchCancelled | events.Sweeping) -> Note:
    match event:
        case events.BatchDone():
            return _batch(event)
        case events.BatchCancelled():
            return _cancelled(event)
        case events.Sweeping(round=number, left=left):
            whose = f"; may be locked by {described(event.blockers)}" if event.blockers else ""
            return Note(
                name="backfill.sweeping",
                text=f"rows that were locked before are tried again: {count(left)} (round {number}){whose}",
                fields=_step(event.step)
                | {"round": number, "left": left, "blockers": fields_of(event.blockers)},
                level="warning" if event.blockers else "info",
                every_s=10.0,
            )


def _lock_attempt(event: events.LockAttemptFailed) -> Note:
    wanted = ", ".join(f"{lock.mode} on {lock.relation}" for lock in event.wanted) or "its locks"
    return Note(
        name="lock.waiting",
        text=f"waiting for {wanted} since {duration(event.waited_s)}, attempt {event.attempt}: "
        f"{described(event.blockers)} (stops after {duration(event.deadline_s)})",
        fields=_step(event.step)
        | {
            "attempt": event.attempt,
            "waited_s": round(event.waited_s, 3),
            "deadline_s": event.deadline_s,
            "wanted": wanted,
            "blockers": fields_of(event.blockers),
            "error": event.error,
        },
        level="warning" if event.waited_s >= 1 else "debug",
        every_s=10.0 if event.waited_s >= 1 else 1.0,
    )


def _build(event: events.BuildProgress) -> Note:
    waits = f", waits for {described(event.waits_for)}" if event.waits_for else ""
    behind = "".join(f"; behind it waits {blocker.wanting}" for blocker in event.behind)
    percent = f" {100 * event.done / event.total:.0f} %" if event.total else ""
    lockers = f" ({event.lockers_done} of {event.lockers_total} waited out)" if event.lockers_total else ""
    adopted = f", server process {event.pid} of an earlier run" if event.adopted else ""
    return Note(
        name="index.building",
        text=f"{event.step.title}: {event.stage or 'working'}{percent or lockers}, "
        f"{duration(event.elapsed_s)}{adopted}{waits}{behind}",
        fields=_step(event.step)
        | {
            "stage": event.stage,
            "done": event.done,
            "total": event.total,
            "lockers_done": event.lockers_done,
            "lockers_total": event.lockers_total,
            "pid": event.pid,
            "adopted": event.adopted,
            "elapsed_s": round(event.elapsed_s, 1),
            "waits_for": fields_of(event.waits_for),
            "behind": fields_of(event.behind),
        },
        every_s=10.0,
        topic=" ".join([event.stage, *(str(blocker.pid) for blocker in event.waits_for)]),
    )


def _batch(event: events.BatchDone) -> Note:
    of = f" of about {count(event.estimated_rows)}" if event.estimated_rows else ""
    left = "" if event.eta_s is None else f", {duration(event.eta_s)} left"
    locked = f", {count(event.rows_skipped)} locked rows to be swept" if event.rows_skipped else ""
    return Note(
        name="backfill.progress",
        text=f"{event.step.title}: {count(event.rows_done)}{of} rows, {rate(event.rate)}{left}{locked}",
        fields=_step(event.step)
        | {
            "rows_done": event.rows_done,
            "rows_skipped": event.rows_skipped,
            "estimated_rows": event.estimated_rows,
            "batch_rows": event.batch_rows,
            "batch_s": round(event.seconds, 3),
            "rate": None if event.rate is None else round(event.rate),
            "eta_s": None if event.eta_s is None else round(event.eta_s),
        },
        every_s=10.0,
    )


def _cancelled(event: events.BatchCancelled) -> Note:
    return Note(
        name="backfill.cancelled",
        text=f"{event.step.title}: a batch of {count(event.batch_rows)} rows was rolled back after "
        f"{duration(event.seconds)} ({event.error}); next {count(event.next_rows)} rows in at most "
        f"{duration(event.next_limit_s)}",
        fields=_step(event.step)
        | {
            "batch_rows": event.batch_rows,
            "batch_s": round(event.seconds, 3),
            "limit_s": event.limit_s,
            "next_rows": event.next_rows,
            "next_limit_s": event.next_limit_s,
            "troubles": event.troubles,
            "error": event.error,
            "blockers": fields_of(event.blockers),
        },
        level="warning",
    )


def _step(step: Step) -> dict[str, Any]:
    return {"version": step.migration, "step": step.id, "title": step.title, "phase": str(step.phase)}
