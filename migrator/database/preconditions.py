"""What has to be true of a table's rows before a step may begin; asked while nothing has changed yet.

A NOT VALID constraint refuses every UPDATE of an old row that violates it, so such rows are looked for
before it is added. The query scans under ACCESS SHARE in a read-only transaction, under the policy's
deadline for long work. Fails with StepFailed naming the rows, and the journal is told; with LockDeadline
where the server does not answer in time.
"""

import time

import psycopg

from migrator.database import commands as sql
from migrator.database.patience import patiently
from migrator.database.refusal import ROWS, record_failure
from migrator.database.runner_lock import this_backend
from migrator.database.translate import RETRYABLE
from migrator.database.walk import enter
from migrator.database.workbench import Workbench, reason_of
from migrator.plan.step import Diagnosis, Recovery, Step

_LONGEST_MS = 2**31 - 1
"""PostgreSQL's own limit for a timeout."""


def check_preconditions(bench: Workbench, step: Step) -> None:
    """Return where no precondition of the step finds a row; else record the step as failed and raise."""
    began = time.monotonic()
    if step.recovery is Recovery.TRANSACTIONAL:  # for the others an intent says that something has begun
        bench.execute(bench.commands.begin_step(step, this_backend(bench.connection).pid))
    found: list[str] = []

    def ask_all() -> None:
        found[:] = [text for one in step.preconditions if (text := _ask(bench, step, one))]

    try:
        patiently(bench, ask_all, f"looking for rows that stand in the way of step {step.id}")
    except psycopg.Error as error:
        if bench.connection.closed or error.sqlstate is None or error.sqlstate in RETRYABLE:
            raise
        found = [reason_of(error)]
    if found:
        bench.execute(bench.commands.begin_step(step, None))
        reason = "\n".join(["it was not begun, and nothing was changed", *found])
        raise record_failure(bench, step, reason, 1, time.monotonic() - began)


def _ask(bench: Workbench, step: Step, precondition: Diagnosis) -> str:
    """Return the rows that a precondition finds, with its message; '' where there are none."""
    with bench.connection.transaction(force_rollback=True):
        bench.execute(sql.plain("SET TRANSACTION READ ONLY"))
        longest = min(int(bench.policy.long_deadline_s * 1000), _LONGEST_MS)
        enter(bench, step, lock_ms=None, statement_ms=longest)
        rows = bench.execute(sql.plain(precondition.sql)).fetchmany(ROWS)
    return f"{precondition.message}: {', '.join(str(row[0]) for row in rows)}" if rows else ""
