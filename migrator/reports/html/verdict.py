"""What the page says first: whether the plan holds, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.html.markup import Markup, element
from migrator.reports.proof import verdict
from migrator.reports.proof_traffic import longest_wait
from migrator.reports.words import counted

if TYPE_CHECKING:
    from migrator.plan.proof import Proof


def sentence(proof: Proof) -> str:
    """Return the verdict in a line."""
    if not proof.holds:
        return "Not proved"
    return "Proved, with reservations" if proof.unproved or _errors(proof) else "Proved"


def section(proof: Proof) -> Markup:
    """Return the verdict with its reasons."""
    mood = "good" if proof.holds else "bad"
    reasons = _against(proof)
    if proof.holds and (proof.unproved or _errors(proof)):
        mood = "doubt"
    return element(
        "section",
        element("h1", sentence(proof)),
        element("p", _summary(proof)),
        element("ul", *(element("li", reason) for reason in reasons)) if reasons else None,
        class_=f"verdict {mood}",
    )


def _summary(proof: Proof) -> str:
    line = verdict(proof)
    line = f"{line[:1].upper()}{line[1:]}"
    if proof.traffic is None:
        return f"{line}."
    beside = f"The application waited {longest_wait(proof.traffic)} at most"
    if proof.naive_traffic is not None:
        beside += f", beside the text as written {longest_wait(proof.naive_traffic)}"
    return f"{line}. {beside}."


def _errors(proof: Proof) -> int:
    return 0 if proof.traffic is None else len(proof.traffic.errors)


def _against(proof: Proof) -> list[str]:
    wrong = [step for step in proof.steps if step.differences or step.error]
    reasons = [
        f"step {s.id}, {s.title}: {'; '.join([*s.differences, *([s.error] if s.error else [])])}"
        for s in wrong
    ]
    if proof.traffic is not None and proof.traffic.stopped is not None:
        reasons.append(f"beside the application the plan ended early: {proof.traffic.stopped}")
    if _errors(proof):
        reasons.append(f"the application had errors of {counted(_errors(proof), 'kind')} beside the plan")
    if proof.unproved:
        reasons.append(f"{counted(len(proof.unproved), 'thing')} could not be proved; see below")
    return reasons
