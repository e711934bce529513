"""What is said of a file as a whole: directives and entries of the approvals file that approve nothing."""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec.structs import replace

from migrator.plan.hazard import Hazard, HazardKind, Severity
from migrator.planner.approvals import directives_of, file_name, unused
from migrator.planner.migration import Planned
from migrator.planner.weights import finding, remark
from migrator.policy import FileApproval, Policy
from migrator.sql.migration import Allow, Directive


def with_findings(planned: Iterable[Planned], policy: Policy) -> list[Planned]:
    """Return the files with their findings; what is wrong with no file of the folder goes to the first."""
    found = [_of_file(part, policy) for part in planned]
    if found and policy.approvals is not None:
        gone = [e for e in policy.approvals.entries if e.file in policy.approvals.absent]
        said = (hazard for entry in gone for hazard in finding(_stale(entry, _GONE), policy))
        found[0] = _adding(found[0], said)
    return found


_GONE = "there is no such file any more"


def _of_file(planned: Planned, policy: Policy) -> Planned:
    if planned.statements and (not planned.facts.live or policy.disposable):
        return planned  # nothing is a hazard there, so every approval would be unused
    wanted = unused(planned.source, planned.used | _silent(planned, policy))
    stale = _stale_entries(planned, policy)
    return _adding(planned, (each for hazard in (*wanted, *stale) for each in finding(hazard, policy)))


def _silent(planned: Planned, policy: Policy) -> frozenset[Directive]:
    """Return directives about hazards that are not reported, so nothing tells if they are needed."""
    every = directives_of(planned.source)
    return frozenset(d for d in every if isinstance(d, Allow) and _is_off(HazardKind(d.hazard), policy))


def _is_off(kind: HazardKind, policy: Policy) -> bool:
    return policy.weight(kind, Severity.WARNING) is None


def _stale_entries(planned: Planned, policy: Policy) -> Iterator[Hazard]:
    if policy.approvals is None:
        return
    name = file_name(planned.source)
    checksums = {statement.checksum for statement in planned.source.statements}
    for entry in policy.approvals.entries:
        if entry.file != name or entry in planned.entries:
            continue
        if entry.statement in checksums:
            yield _stale(entry, f"the statement has no {entry.hazard} to approve")
        else:
            yield _stale(entry, "the statement was edited or removed after it was approved")


def _stale(entry: FileApproval, why: str) -> Hazard:
    message = f"the approval of {entry.hazard} in {entry.file} has no effect: {why}"
    instead = "remove the entry; what needs an approval now is approved anew"
    return remark(HazardKind.STALE_APPROVAL, message, instead, entry.approval)


def _adding(planned: Planned, findings: Iterable[Hazard]) -> Planned:
    together = (*planned.migration.findings, *findings)
    return replace(planned, migration=msgspec.structs.replace(planned.migration, findings=together))
