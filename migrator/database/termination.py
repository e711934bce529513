"""Ending sessions in the way of a step, where the configuration asks for it (`terminate_blockers`).

Whom is decided in `execution.termination`; the server checks again, in the statement that ends a session and
records it, that it is still the same one, in the same transaction. Never fails for want of a right: that is
told, and the step goes on waiting.
"""

import json
import time
from collections.abc import Sequence
from typing import Any

import psycopg

from migrator.database.blockers import FILE
from migrator.database.commands import journal_query
from migrator.database.workbench import Workbench
from migrator.execution.blocker import Blocker
from migrator.execution.events import BlockerSpared, BlockerTerminated
from migrator.execution.termination import spared
from migrator.plan.step import Step


def end_overdue(bench: Workbench, step: Step, seen: Sequence[Blocker]) -> bool:
    """End those of `seen` that have been in the way for long enough; return whether any was."""
    after_s = bench.policy.terminate_blockers_s
    if after_s is None:
        return False
    due = bench.watch.due(f"{step.migration} {step.id}", seen, time.monotonic(), after_s)
    superuser = bool(due) and _superuser(bench)
    chosen = [b for b in due if _may_be_ended(bench, step, b, superuser=superuser)]
    ended = _end(bench, step, chosen, after_s)
    for blocker in ended:
        bench.observer.event(BlockerTerminated(step=step, blocker=blocker, after_s=after_s))
    return bool(ended)


def _superuser(bench: Workbench) -> bool:
    row: Any = bench.execute(journal_query(FILE, "may end sessions", bench.schema)).fetchone()
    return row is not None and bool(row[0])


def _may_be_ended(bench: Workbench, step: Step, blocker: Blocker, *, superuser: bool) -> bool:
    reason = spared(blocker, writers=bench.policy.terminate_writers, superuser=superuser)
    if reason is not None:
        _spare(bench, step, blocker, reason)
    return reason is None


def _spare(bench: Workbench, step: Step, blocker: Blocker, reason: str) -> None:
    if bench.watch.first_told(blocker):
        bench.observer.event(BlockerSpared(step=step, blocker=blocker, reason=reason))


def _end(bench: Workbench, step: Step, chosen: Sequence[Blocker], after_s: float) -> list[Blocker]:
    if not chosen:
        return []
    command = bench.commands.recorded_query(
        FILE,
        "end",
        version=step.migration,
        pids=[b.pid for b in chosen],
        starts=[b.start for b in chosen],
        transactions=[b.transaction for b in chosen],
        details=[json.dumps(_details(step, b, after_s)) for b in chosen],
        writers=bench.policy.terminate_writers,
    )
    try:
        rows: list[Any] = bench.execute(command).fetchall()
    except psycopg.errors.InsufficientPrivilege:
        for blocker in chosen:
            _spare(bench, step, blocker, "this role may not end it: GRANT pg_signal_backend")
        return []
    pids = {pid for (pid,) in rows}
    return [blocker for blocker in chosen if blocker.pid in pids]


def _details(step: Step, blocker: Blocker, after_s: float) -> dict[str, Any]:
    return {
        "step": step.id,
        "title": step.title,
        "after_s": after_s,
        "pid": blocker.pid,
        "user": blocker.user,
        "application": blocker.application,
        "state": blocker.state,
        "age_s": blocker.age_s,
        "mode": blocker.mode,
        "relation": blocker.relation,
        "wrote": blocker.writes,
        "query": blocker.query,
    }
