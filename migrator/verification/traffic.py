"""The plan, and the text as written, once more on two copies: beside an application that goes on working.

Contract steps are no part of it: they wait until the old application is gone, and it is the old one that
works here. What the runs fail with stands in the proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from migrator.database.session import Connector
from migrator.execution.options import RunOptions
from migrator.reports.words import counted
from migrator.runner import run
from migrator.shadow.traffic import as_written
from migrator.shadow.traffic.beside import Beside, Diary, beside
from migrator.verification.running import left_out
from migrator.workflow.provenance import provenance

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from migrator.plan.plan import Plan
    from migrator.plan.proof import Proof
    from migrator.postgres.identifiers import QualifiedName
    from migrator.shadow.workspace import Workspace
    from migrator.verification.request import Request


class Copies(msgspec.Struct, frozen=True, kw_only=True):
    """The databases of the runs beside traffic."""

    planned: str
    naive: str
    after: str
    """One that the change was made to, where the application learns what will be refused."""


def copies(space: Workspace, url: str, *, after: str) -> Copies:
    """Make two copies of the database before the change, with tables as autovacuum leaves them."""
    made = Copies(planned=space.copy(url), naive=space.copy(url), after=after)
    for each in (made.planned, made.naive):
        as_written.vacuum(each)
    return made


def with_traffic(
    proof: Proof,
    request: Request,
    plan: Plan,
    tables: Collection[QualifiedName],
    made: Copies,
    *,
    tell: Callable[[str], None],
) -> Proof:
    """Return the proof with what both runs did to the application."""
    load = request.load
    if load is None:
        return proof
    if any(step.error for step in proof.steps):
        reason = "the plan was not carried out beside traffic, because it fails without"
        return replace(proof, unproved=(*proof.unproved, reason))
    reason = _nothing_to_do(plan, tables)
    if reason:
        tell(f"no traffic: {reason}")
        return proof
    sessions = f"{counted(load.readers, 'reader')} and {counted(load.writers, 'writer')}"

    def watched(url: str, work: Callable[[Diary], None]) -> Beside:
        schema = request.policy.journal_schema
        return beside(url, tables, load, work, after=made.after, journal_schema=schema)

    tell(f"carrying out the plan beside {sessions}")
    planned = watched(made.planned, lambda diary: _run_plan(made.planned, request, plan, diary))
    tell("executing the files as written beside the same traffic")
    naive = watched(made.naive, lambda diary: as_written.execute(made.naive, _texts(request, plan), diary))
    return replace(
        proof,
        traffic=planned.traffic,
        naive_traffic=naive.traffic,
        unproved=(*proof.unproved, *(f"traffic: {note}" for note in planned.notes)),
    )


def _nothing_to_do(plan: Plan, tables: Collection[QualifiedName]) -> str:
    """Say why there is no application to be beside; empty where there is."""
    if not plan.live:
        return "nothing is in use in the database that the plan is for"
    return "" if tables else "no table that was there before is touched"


def _texts(request: Request, plan: Plan) -> list[dict[int, str]]:
    """Return the statements that both runs have, by file and number."""
    without = {(statement.migration, statement.index) for statement in left_out(plan)}
    return [
        {
            number: statement.text
            for number, statement in enumerate(migration.statements, start=1)
            if (migration.version, number) not in without
        }
        for migration in request.migrations
    ]


def _run_plan(url: str, request: Request, plan: Plan, diary: Diary) -> None:
    options = RunOptions(provenance=provenance(), wait_s=0)
    run(Connector(conninfo=url), plan, request.policy, options, diary)
