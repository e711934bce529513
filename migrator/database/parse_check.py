"""The server's own parser reads every utility statement of a plan before the first step runs.

PQprepare parses a utility statement without analysis, so nothing is looked up and nothing is locked (manual,
"Extended Query": Parse). Statements that are analysed when they are parsed, data changes and CREATE TABLE AS
among them, are left out. Fails with SqlSyntaxError at the place in the user's file.
"""

import re
from collections.abc import Sequence
from typing import Any

from psycopg import pq

from migrator.database.session import Connection
from migrator.errors import Location, SqlSyntaxError
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.partition_template import Slot, Template, expanded
from migrator.plan.plan import Plan
from migrator.plan.step import (
    BuildIndex,
    DetachPartition,
    DropIndex,
    PartitionConstraints,
    PartitionIndexes,
    Step,
    Transaction,
)

_UTILITY = re.compile(r"(ALTER|COMMENT|CREATE|DROP|GRANT|REINDEX|REVOKE)\b", re.IGNORECASE)
_ANALYSED = re.compile(r"CREATE\b[^(]*?\b(TABLE|MATERIALIZED)\b.*\bAS\b", re.IGNORECASE | re.DOTALL)
_SYNTAX_ERROR = "42601"


def check_syntax(connection: Connection, plan: Plan) -> None:
    """Raise SqlSyntaxError for the first statement that the server cannot parse; `connection` is idle."""
    found = [
        (step, statement)
        for step in plan.steps
        for statement in _statements(step)
        if _UTILITY.match(statement) and not _ANALYSED.match(statement)
    ]
    if _all_parse(connection, [statement for _, statement in found]):
        return
    for step, statement in found:
        _check(connection, step, statement)


def _all_parse(connection: Connection, statements: Sequence[str]) -> bool:
    """Whether the server can parse them all; they go in one message, and it skips what follows an error."""
    pgconn = connection.pgconn
    pgconn.enter_pipeline_mode()
    for statement in statements:
        pgconn.send_prepare(b"", statement.encode())
    pgconn.pipeline_sync()
    good = all(_next(pgconn) is pq.ExecStatus.COMMAND_OK for _ in statements)
    while _next(pgconn) is not pq.ExecStatus.PIPELINE_SYNC:
        pass
    pgconn.exit_pipeline_mode()
    return good


def _next(pgconn: pq.abc.PGconn) -> pq.ExecStatus:
    """Return the status of the next answer; each is followed by the end of its command."""
    result = pgconn.get_result()
    while result is None:
        result = pgconn.get_result()
    return pq.ExecStatus(result.status)


def _statements(step: Step) -> tuple[str, ...]:
    work = step.work
    match work:
        case Transaction(statements=statements):
            return statements
        case BuildIndex(sql=sql) | DropIndex(sql=sql) | RebuildIndexes(sql=sql):
            return (sql,)
        case DetachPartition(sql=sql, finalize_sql=finalize_sql):
            return (sql, finalize_sql)
        case PartitionIndexes():
            own = () if work.constrain is None else (work.constrain,)
            return tuple(map(_example, (work.build, work.drop, *own, work.branch, work.attach)))
        case PartitionConstraints():
            added = () if work.add is None else (work.add,)
            closing = () if work.close is None else work.close.statements
            return (*map(_example, (*added, work.validate)), *closing)
        case _:
            return ()


def _example(template: Template) -> str:
    """Return a template with names of which any will do."""
    return expanded(template, dict.fromkeys(Slot, '"any"'))


def _check(connection: Connection, step: Step, statement: str) -> None:
    result = connection.pgconn.prepare(b"", statement.encode())
    if result.status is pq.ExecStatus.COMMAND_OK or _field(result, "SQLSTATE") != _SYNTAX_ERROR:
        return
    alone = step.as_written and _statements(step) == (statement,)
    position = int(_field(result, "STATEMENT_POSITION") or 1) if alone else 1
    raise SqlSyntaxError(
        f"the server cannot read this: {_field(result, 'MESSAGE_PRIMARY')}",
        at=_place(step, statement[: position - 1]),
        hint="nothing was begun; mend the statement",
    )


def _place(step: Step, before: str) -> Location:
    """Return the place in the file after `before`, with which the statement begins."""
    lines = before.split("\n")
    column = len(lines[-1]) + (step.column if len(lines) == 1 else 1)
    return Location(file=step.file, line=step.line + len(lines) - 1, column=column)


def _field(result: Any, name: str) -> str:  # noqa: ANN401  # psycopg's protocol of a libpq result
    found: bytes | None = result.error_field(pq.DiagnosticField[name])
    return "" if found is None else found.decode(errors="replace")
