"""Migrations, facts and policy to a plan: `plan(migrations, facts, policy, tool_version=…)`.

Pure and deterministic. Facts and session state are folded over the statements of all files in their order;
each statement, or each action of ALTER TABLE, is planned by the first operation that matches it; the steps
of a file are then put into phases (`planner.phases`). When all are planned, style is looked at where the
policy asks for it (`planner.styled`), and approvals without effect are found (`planner.findings`). It fails
with DirectiveError where a directive names no hazard; every other trouble is a hazard in the plan.
"""

from collections.abc import Sequence

from msgspec.structs import replace

from migrator.plan.plan import Fingerprint, Plan
from migrator.planner.estimates import estimates
from migrator.planner.expiry import with_expired
from migrator.planner.findings import with_findings
from migrator.planner.migration import Planned, plan_migration
from migrator.planner.styled import with_style
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.migration import Migration

__all__ = ["fold", "plan", "with_expired"]


def plan(migrations: Sequence[Migration], facts: Facts, policy: Policy, *, tool_version: str) -> Plan:
    """Return the plan of the files, in the order in which they are given."""
    planned = with_findings(with_style(_all(migrations, facts, policy), policy), policy)
    touched = tuple(dict.fromkeys(name for part in planned for name in part.migration.touches))
    made = Plan(
        tool_version=tool_version,
        server_version=facts.server_version,
        facts=facts.source,
        facts_origin=facts.origin,
        database=facts.database,
        live=facts.live and not policy.disposable,
        journal_schema=policy.journal_schema,
        approvals_file=None if policy.approvals is None else policy.approvals.path,
        migrations=tuple(part.migration for part in planned),
        statements=tuple(statement for part in planned for statement in part.statements),
        steps=tuple(step for part in planned for step in part.steps),
    )
    if not made.live:
        return made
    passing = made.passing
    kept = tuple(name for name in touched if name not in passing)
    expected = estimates(made.steps, facts, planned[-1].facts if planned else facts)
    return replace(made, fingerprints=_fingerprints(kept, facts), estimates=expected)


def fold(migrations: Sequence[Migration], facts: Facts, policy: Policy) -> Facts:
    """Return the facts as they are expected to be after all steps of the files."""
    planned = _all(migrations, facts, policy)
    return planned[-1].facts if planned else facts


def _all(migrations: Sequence[Migration], facts: Facts, policy: Policy) -> list[Planned]:
    planned: list[Planned] = []
    for migration in migrations:
        planned.append(plan_migration(migration, facts, policy))
        facts = planned[-1].facts
    return planned


def _fingerprints(touched: tuple[QualifiedName, ...], facts: Facts) -> tuple[Fingerprint, ...]:
    """Return the digests of the touched relations that exist before the first step."""
    found = [facts.relation(name) for name in touched]
    return tuple(
        Fingerprint(relation.name, relation.fingerprint)
        for relation in found
        if relation is not None and relation.fingerprint is not None
    )
