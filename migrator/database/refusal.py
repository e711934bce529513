"""A step that the server refused for good: the rows in the way are named, and the journal is told."""

import psycopg

from migrator.database import commands as sql
from migrator.database.workbench import Workbench, failed, reason_of
from migrator.errors import StepFailed
from migrator.plan.step import Step

ROWS = 5


def record_refusal(
    bench: Workbench, step: Step, error: psycopg.Error, attempts: int, seconds: float
) -> StepFailed:
    """Record the step as failed and return the error to raise; the transaction of the step is over."""
    found = diagnose(bench, step, error)
    return record_failure(bench, step, f"{reason_of(error)}{found}", attempts, seconds)


def record_failure(
    bench: Workbench, step: Step, reason: str, attempts: int = 1, seconds: float = 0.0
) -> StepFailed:
    """Record the step as failed for a reason of our own, and return the error to raise."""
    bench.together(bench.commands.fail_step(step, reason, attempts, seconds))
    return failed(step, reason)


def diagnose(bench: Workbench, step: Step, error: psycopg.Error) -> str:
    """Return the rows that the step's own diagnoses find, as text to be appended; '' where there are none."""
    parts: list[str] = []
    for diagnosis in step.diagnoses:
        if diagnosis.sqlstate == error.sqlstate:
            rows = _ask(bench, step, diagnosis.sql)
            parts.append(f"\n{diagnosis.message}: {', '.join(rows)}" if rows else "")
    return "".join(parts)


def _ask(bench: Workbench, step: Step, query: str) -> list[str]:
    """Return one text column of a few rows; a diagnosis that fails itself says nothing."""
    try:
        with bench.connection.transaction(force_rollback=True):
            bench.execute(sql.plain("SET TRANSACTION READ ONLY"))
            for command in sql.enter_session(step.session):
                bench.execute(command)
            return [str(row[0]) for row in bench.execute(sql.plain(query)).fetchmany(ROWS)]
    except psycopg.Error:
        if bench.connection.closed:
            raise
        return []
