"""Approvals whose last day is over, as findings of a plan.

The day is given: a plan is made without a clock. An approval that has run out still approves, because what
was merged must not fail to deploy by the calendar; the finding is for whoever reads the plan.
"""

from datetime import date

import msgspec

from migrator.plan.hazard import Approval, Hazard, HazardKind
from migrator.plan.plan import Plan, PlannedMigration
from migrator.planner.weights import finding, remark
from migrator.policy import Policy


def with_expired(plan: Plan, today: date, policy: Policy) -> Plan:
    """Return the plan with a finding for each approval that counted until a day before `today`."""
    migrations = tuple(_of_file(plan, migration, today, policy) for migration in plan.migrations)
    return msgspec.structs.replace(plan, migrations=migrations)


def _of_file(plan: Plan, migration: PlannedMigration, today: date, policy: Policy) -> PlannedMigration:
    of_statements = (h for statement in plan.statements_of(migration.version) for h in statement.hazards)
    over = {
        hazard.approval: hazard
        for hazard in (*migration.findings, *of_statements)
        if hazard.approval is not None and _is_over(hazard.approval, today)
    }
    found = tuple(
        each for approval, hazard in over.items() for each in finding(_expired(approval, hazard.kind), policy)
    )
    return msgspec.structs.replace(migration, findings=(*migration.findings, *found)) if found else migration


def _is_over(approval: Approval, today: date) -> bool:
    return approval.until is not None and date.fromisoformat(approval.until) < today


def _expired(approval: Approval, kind: HazardKind) -> Hazard:
    message = f"the approval of {kind} counted until {approval.until}, and still does"
    instead = "look at it again, and give it another day or remove it; apply runs as before"
    return remark(HazardKind.EXPIRED_APPROVAL, message, instead, approval)
