"""What is counted of a history, by its plans."""

from collections import Counter
from dataclasses import dataclass, field

from migrator.plan.hazard import Hazard, HazardKind, Severity
from migrator.plan.plan import Plan


@dataclass(slots=True, kw_only=True)
class Counts:
    """Added up over the files of a history."""

    files: int = 0
    statements: int = 0
    opaque: int = 0
    rewrites: int = 0
    """Statements in whose place other steps run."""
    approvals: int = 0
    """Errors that the file may approve, or answer by a directive."""
    refusals: int = 0
    """Errors that no approval makes right."""
    hazards: Counter[tuple[str, str]] = field(default_factory=Counter)
    """By kind and severity."""

    def add(self, plan: Plan) -> None:
        errors = [h for h in plan.hazards if h.severity is Severity.ERROR]
        self.files += len(plan.migrations)
        self.statements += len(plan.statements)
        self.opaque += sum(s.kind == "opaque" for s in plan.statements)
        self.rewrites += len(rewritten(plan))
        self.refusals += sum(map(final, errors))
        self.approvals += sum(not final(h) for h in errors)
        self.hazards.update((str(h.kind), str(h.severity)) for h in plan.hazards)


def rewritten(plan: Plan) -> tuple[tuple[str, int], ...]:
    """Version and index of each statement in whose place other steps run."""
    stepped = {(step.migration, step.statement) for step in plan.steps}
    keys = [(s.migration, s.index) for s in plan.statements if not s.as_written]
    return tuple(key for key in keys if key in stepped)


def final(hazard: Hazard) -> bool:
    """Whether nothing that is written into the file makes it right."""
    return not hazard.approvable and hazard.kind is not HazardKind.EXISTING_COLUMN_BACKFILL


def said(hazard: Hazard) -> str:
    """In one line."""
    return f"{hazard.file}:{hazard.line} {hazard.severity} {hazard.kind}: {hazard.message}"
