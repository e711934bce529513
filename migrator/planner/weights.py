"""What a hazard weighs by the policy, and whether it is reported at all.

An error of the hazard's own accord stays one: what destroys data, breaks running code or is not understood
has no way past but an approval (promise 8). What the plan answers is not raised: there is nothing to approve.
"""

import msgspec

from migrator.errors import Location
from migrator.operations.base import Context
from migrator.plan.hazard import Approval, Hazard, HazardKind, Severity
from migrator.plan.hazard_groups import ADVICE
from migrator.policy import Policy


def reported(hazard: Hazard, context: Context) -> Hazard | None:
    """Return the hazard with its weight and place; None where the policy does not want to hear of it."""
    weighed = by_policy(hazard, context.policy)
    file = context.migration.file
    if weighed is None or (_is_advice(hazard) and context.policy.ignores.covers(file, hazard.kind)):
        return None
    at = context.statement.at
    placed = msgspec.structs.replace(weighed, file=file, line=at.line, column=at.column)
    if context.policy.disposable and placed.severity is Severity.ERROR:  # the server is the judge there
        return msgspec.structs.replace(placed, severity=Severity.WARNING)
    return placed


def by_policy(hazard: Hazard, policy: Policy) -> Hazard | None:
    """Return the hazard with the weight that the policy gives it; None where that is off."""
    if hazard.severity is Severity.ERROR:
        return hazard
    weight = policy.weight(hazard.kind, hazard.severity)
    if weight is None or hazard.answered:
        return None if weight is None else hazard
    return msgspec.structs.replace(hazard, severity=weight)


def finding(hazard: Hazard, policy: Policy) -> tuple[Hazard, ...]:
    """Return a finding about a file, which has its place already, as the policy wants it: none or one."""
    weighed = by_policy(hazard, policy)
    if weighed is None or policy.ignores.covers(weighed.file or "", weighed.kind):
        return ()
    return (weighed,)


def remark(kind: HazardKind, message: str, instead: str, at: Location | Approval) -> Hazard:
    """Return a warning about something written in a file, which stops nothing and nobody approves."""
    return Hazard(
        kind=kind,
        severity=Severity.WARNING,
        message=message,
        instead=instead,
        approvable=False,
        advisory=True,
        file=at.file,
        line=at.line,
        column=at.column,
    )


def _is_advice(hazard: Hazard) -> bool:
    return hazard.kind in ADVICE and hazard.severity is not Severity.ERROR
