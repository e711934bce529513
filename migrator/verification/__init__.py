"""A plan proved on a scratch server: `verify(server, request, tell)`.

The database before the change is made, filled and copied. On one copy the runner carries out the plan, on the
other the user's own text is executed; what both did is measured, and what they left is compared. Nothing is
done to any database but those that are made here. Fails with InputError where the files themselves do not
run, with ConfigurationError and PreflightError where the server cannot be used; what does not hold is no
failure, but stands in the proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from migrator.plan.proof import Proof
from migrator.shadow.servers import ShadowServer, shadow_server
from migrator.shadow.workspace import workspace
from migrator.verification.before import make_before
from migrator.verification.comparing import compare_contents, compare_schemas
from migrator.verification.filling import filled, touched
from migrator.verification.planning import plan_for, shadow_facts
from migrator.verification.request import DEFAULT_ROWS, FactsFile, History, Request, SchemaFile, Verified
from migrator.verification.running import left_out, run_as_written, run_plan
from migrator.verification.scene import Scene
from migrator.verification.traffic import copies, with_traffic
from migrator.verification.triggers import of_empty_tables, told_apart

if TYPE_CHECKING:
    from collections.abc import Callable

    from migrator.plan.plan import Plan

__all__ = [
    "DEFAULT_ROWS",
    "FactsFile",
    "History",
    "Request",
    "SchemaFile",
    "ShadowServer",
    "Verified",
    "shadow_server",
    "verify",
]


def verify(server: ShadowServer, request: Request, tell: Callable[[str], None]) -> Verified:
    """Prove the plan of the request's files on this server; `tell` hears what is going on."""
    with workspace(server) as space:
        before, passed = make_before(space, request, tell)
        facts = shadow_facts(before, request.policy, request.production)
        plan = plan_for(request.migrations, facts, request.policy)
        scene = Scene(space=space, request=request, before=before, facts=facts, plan=plan, tell=tell)
        proof = prove(scene)
        proof = replace(proof, unproved=(*passed, *proof.unproved))
        return Verified(plan=plan, proof=proof, facts=facts)


def prove(scene: Scene) -> Proof:
    """Fill, carry out, execute, compare."""
    scene.tell(f"filling what is touched, {scene.request.rows:,} rows per table")
    filling = filled(scene)
    written = scene.space.copy(filling.url)
    loaded = None if scene.request.load is None else copies(scene.space, filling.url, after=written)
    scene.tell("carrying out the plan")
    measured = run_plan(filling.url, scene.plan, scene.request.policy)
    steps, by_triggers = told_apart(measured, scene.plan, scene.facts)
    if filling.rows == 0:
        steps = of_empty_tables(steps)
    scene.tell("executing the files as written")
    statements = run_as_written(written, scene)
    scene.tell("comparing schemas and rows")
    rows = compare_contents(filling.url, written, filling.rehearsed, scene)
    proof = Proof(
        server=scene.space.version,
        shadow=scene.space.server.name,
        rows=filling.rows,
        steps=steps,
        statements=statements,
        unfilled=filling.unfilled,
        schema_differences=compare_schemas(filling.url, written, scene.plan),
        row_differences=tuple(rows.differences),
        unproved=(*_left_out(scene.plan), *filling.unproved, *by_triggers, *rows.unproved),
    )
    if loaded is None:
        return proof
    tables = touched(scene.plan, scene.facts)
    return with_traffic(proof, scene.request, scene.plan, tables, loaded, tell=scene.tell)


def _left_out(plan: Plan) -> list[str]:
    """Say which statements are in neither run."""
    return [
        f"{s.file}:{s.line}:{s.column} is not approved and has no steps: it was left out"
        for s in left_out(plan)
    ]
