"""`migrate plan --verify`: the proof beside the plan, and no part of it."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec.structs import replace

from migrator.cli.failure import say
from migrator.cli.planning import Planned
from migrator.cli.project import Project
from migrator.cli.signals import ending
from migrator.plan import codec
from migrator.plan.plan import Plan
from migrator.plan.proof import Proof


def proved(
    project: Project,
    files: Sequence[str],
    planned: Planned,
    *,
    base: str | None,
    shadow: str,
    facts: Path | None = None,
) -> tuple[Planned, Proof]:
    """Verify the files that are planned; return the plan to be shown, and its proof.

    A plan that was made without a database is replaced by the one that was verified, which knows more. One
    that was made for a database stays, and it is said where the verified one differs from it.
    """
    from migrator import verification
    from migrator.cli.verifying import request_for

    made = planned.plan
    offline = made.facts in {"nothing", "shadow"}
    rows = verification.DEFAULT_ROWS
    request = request_for(project, files, base=base, rows=rows, facts=facts, offline=offline)
    with ending("the verification"), verification.shadow_server(shadow) as server:
        found = verification.verify(server, request, lambda text: say(text, label="verify", color="cyan"))
    if offline:
        return replace(planned, plan=found.plan, facts=found.facts), found.proof
    return planned, _with_other_steps(found.proof, made, found.plan)


def _with_other_steps(proof: Proof, shown: Plan, verified: Plan) -> Proof:
    steps = {(step.migration, step.id): step.work for step in verified.steps}
    other = [step.id for step in shown.steps if steps.get((step.migration, step.id)) != step.work]
    if not other and len(steps) == len(shown.steps):
        return proof
    which = f"step {', '.join(other)} is" if other else "some steps are"
    reason = f"{which} not the same on the shadow, whose schema is not that of the database"
    return msgspec.structs.replace(proof, unproved=(*proof.unproved, reason))


def encode_beside(plan: Plan, proof: Proof) -> str:
    """Return the plan's document with the proof as one more field, which readers of plans pass over."""
    document = json.loads(codec.encode(plan))
    return json.dumps({**document, "proof": msgspec.to_builtins(proof)}, indent=2, ensure_ascii=False) + "\n"


def with_verdict(report: str, proof: Proof) -> str:
    """Return the report with what was proved behind its first line."""
    from migrator.reports.proof import verdict

    first, end, rest = report.partition("\n")
    return f"{first}{end}{verdict(proof)}{end}{rest}"
