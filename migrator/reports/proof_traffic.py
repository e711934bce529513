"""What an application noticed of a plan and of the text as written, in a few lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.amounts import milliseconds, seconds
from migrator.reports.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.plan.proof import Proof, Traffic


def traffic_lines(proof: Proof) -> Iterator[str]:
    """Give the lines; none where there was no traffic."""
    if proof.traffic is None:
        return
    yield ""
    yield "beside an application"
    yield from _run("with migrate", proof.traffic)
    if proof.naive_traffic is not None:
        yield from _run("as written", proof.naive_traffic)


def longest_wait(traffic: Traffic) -> str:
    """Return the longest wait that the server's view has; what it can miss is not nothing."""
    return _seen(traffic.longest_wait_ms, traffic)


def exclusive(traffic: Traffic) -> str:
    """Return for how long ACCESS EXCLUSIVE was held or asked for."""
    return _seen(traffic.exclusive_s * 1000, traffic)


def _seen(found_ms: float, traffic: Traffic) -> str:
    missed = traffic.resolution_ms
    return milliseconds(found_ms) if found_ms > 0 or missed == 0 else f"< {milliseconds(missed)}"


def _run(words: str, traffic: Traffic) -> Iterator[str]:
    """Give the numbers of one run."""
    errors = sum(answer.errors for answer in traffic.answers)
    server, client = longest_wait(traffic), milliseconds(traffic.longest_ms)
    yield (
        f"  {words:<14}longest wait for a lock {server} (the server's view), longest request {client} "
        f"(median {milliseconds(traffic.median_ms)})"
    )
    yield (
        f"  {'':<14}{counted(errors, 'error')}, {traffic.requests:,} requests during the run, "
        f"ACCESS EXCLUSIVE for {exclusive(traffic)} of {seconds(traffic.seconds)}"
    )
    if traffic.stopped is not None:
        yield f"  {'':<14}stopped early: {traffic.stopped}"
    yield from (f"  {'':<14}{error}" for error in traffic.errors)
