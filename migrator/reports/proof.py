"""A proof as text: the verdict first, then what was measured, then what was not proved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.proof_traffic import traffic_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.plan.plan import Plan
    from migrator.plan.proof import Measurement, Proof


def render(plan: Plan, proof: Proof) -> str:
    """Return the report."""
    return "\n".join(_lines(plan, proof)) + "\n"


def verdict(proof: Proof) -> str:
    """Return the line that says what was proved."""
    where = f"PostgreSQL {proof.server} with {proof.rows:,} rows per table"
    return f"{'proved' if proof.holds else 'not proved'} on {where}"


def _lines(plan: Plan, proof: Proof) -> Iterator[str]:
    yield verdict(proof)
    for step in proof.steps:
        yield from _measured(step)
    for statement in proof.statements:
        yield from _measured(statement)
    yield from traffic_lines(proof)
    for reason in (*proof.unfilled, *proof.unproved):
        yield f"not proved: {reason}"
    if not plan.steps:
        yield "nothing was planned"


def _measured(measured: Measurement) -> Iterator[str]:
    yield f"  {measured.id:<6}{measured.title}  {measured.seconds * 1000:.0f} ms"
    if measured.error:
        yield f"        refused: {measured.error}"
