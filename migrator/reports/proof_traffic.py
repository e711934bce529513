"""What an application noticed of a plan and of the text as written, in a few lines of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.reports.amounts import milliseconds, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.plan.proof import Proof, Traffic


def traffic_lines(proof: Proof) -> Iterator[str]:
    """Give the lines; none where there was no traffic."""
    if proof.traffic is None:
        return
    yield "beside an application"
    yield from _run("with migrate", proof.traffic)
    if proof.naive_traffic is not None:
        yield from _run("as written", proof.naive_traffic)


def _run(words: str, traffic: Traffic) -> Iterator[str]:
    """Give the numbers of one run."""
    errors = sum(answer.errors for answer in traffic.answers)
    server, client = milliseconds(traffic.longest_wait_ms), milliseconds(traffic.longest_ms)
    yield (
        f"  {words:<14}longest wait for a lock {server} (the server's view), longest request {client} "
        f"(median {milliseconds(traffic.median_ms)})"
    )
    yield (
        f"  {'':<14}{errors:,} errors in {traffic.requests:,} requests, "
        f"ACCESS EXCLUSIVE for {seconds(traffic.exclusive_s)} of {seconds(traffic.seconds)}"
    )
    if traffic.stopped is not None:
        yield f"  {'':<14}stopped early: {traffic.stopped}"
    yield from (f"  {'':<14}{error}" for error in traffic.errors)
