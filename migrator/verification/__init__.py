"""A plan proved on a scratch server: `verify(server, request, tell)`.

The database before the change is made and filled, and copied. On one copy the runner carries out the plan, on
the other the user's own text is executed; what both did is measured, and what they left is compared. Nothing
is done to any database but those that are made here. Fails with InputError where the files themselves do not
run, with ConfigurationError and PreflightError where the server cannot be used; what does not hold is no
failure, but stands in the proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.database.session import Connector
from migrator.plan.proof import Proof
from migrator.shadow.rows import fill
from migrator.shadow.servers import ShadowServer, shadow_server
from migrator.shadow.statements import run_statements
from migrator.shadow.workspace import workspace
from migrator.verification.before import check_extensions, replay
from migrator.verification.planning import plan_for, shadow_facts
from migrator.verification.request import DEFAULT_ROWS, History, Request, Verified
from migrator.verification.running import run_plan
from migrator.verification.traffic import copies, with_traffic

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.plan.plan import Plan
    from migrator.postgres.facts import Facts
    from migrator.postgres.identifiers import QualifiedName
    from migrator.shadow.rows import Filled

__all__ = ["DEFAULT_ROWS", "History", "Request", "ShadowServer", "Verified", "shadow_server", "verify"]


def verify(server: ShadowServer, request: Request, tell: Callable[[str], None]) -> Verified:
    """Prove the plan of the request's files on this server; `tell` hears what is going on."""
    with workspace(server) as space:
        check_extensions(space, (*request.before.migrations, *request.migrations))
        before = space.create()
        tell(
            f"replaying {len(request.before.migrations)} files on PostgreSQL {space.version} ({server.name})"
        )
        replay(space, before, request.before.migrations, request.policy)
        facts = shadow_facts(before, request.policy, request.production)
        plan = plan_for(request.migrations, facts, request.policy)
        tell(f"filling what is touched with {request.rows:,} rows a table")
        filled = fill_touched(before, plan, facts, request.rows)
        naive = space.copy(before)
        loaded = None if request.load is None else copies(space, before, after=naive)
        tell("carrying out the plan")
        steps = run_plan(before, plan, request.policy)
        tell("executing the files as written")
        statements = run_statements(naive, request.migrations)
        proof = Proof(
            server=space.version,
            shadow=server.name,
            rows=request.rows,
            steps=steps,
            statements=statements,
            unfilled=tuple(f"{u.table}: {u.missing} rows missing: {u.reason}" for u in filled.unfilled),
            unproved=("the schemas and rows were not compared",),
        )
        if loaded is not None:
            proof = with_traffic(proof, request, plan, touched(plan, facts), loaded, tell=tell)
        return Verified(plan=plan, proof=proof)


def fill_touched(url: str, plan: Plan, facts: Facts, rows: int) -> Filled:
    """Fill the tables that the plan touches, and those that they refer to."""
    with Connector(conninfo=url).session("fill") as connection:
        return fill(connection, rows=rows, tables=touched(plan, facts))


def touched(plan: Plan, facts: Facts) -> frozenset[QualifiedName]:
    """Return the tables that the plan touches, with their partitions, children and referenced tables."""
    if any(migration.touches_everything for migration in plan.migrations):
        return frozenset(relation.name for relation in facts.relations)
    waiting = [name for migration in plan.migrations for name in migration.touches]
    found: set[QualifiedName] = set()
    while waiting:
        relation = facts.relation(waiting.pop())
        if relation is None or relation.name in found:
            continue
        found.add(relation.name)
        waiting += [*relation.partitions, *relation.children]
        waiting += [c.references for c in relation.constraints if c.references is not None]
    return frozenset(found)
