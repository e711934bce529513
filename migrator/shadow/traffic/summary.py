"""What clients recorded and what the server showed, on one clock, as `Traffic` of a proof.

Pure. Clients count nanoseconds of the monotonic clock, the server tells seconds since 1970; `Clock` has the
difference. Everything is told in seconds since the run began; what was before it is less than 0.
"""

from collections import Counter
from statistics import median

import msgspec
from msgspec.structs import replace

from migrator.plan.proof import Answer, LockSpan, Stretch, Traffic, Wait
from migrator.shadow.traffic.recording import Recording, Sample
from migrator.shadow.traffic.sightings import Sampled

SLICES = 400
"""Slices of time that answers are put into, at most."""

_SHORTEST_SLICE_S = 0.02

_WAITS = 200
"""So many waits are kept, the longest."""

_GAP_S = 0.01

_ERRORS = 20
"""So many different errors are told."""


class Clock(msgspec.Struct, frozen=True, kw_only=True):
    """How the clocks of client and server belong together, and when the run began and ended."""

    offset_s: float
    """To be added to seconds of the monotonic clock."""
    began_s: float
    """Of the run, by the server's clock."""
    ended_s: float

    @property
    def seconds(self) -> float:
        """How long the run took."""
        return self.ended_s - self.began_s

    def of_client(self, nanoseconds: int) -> float:
        """Return seconds since the run began."""
        return nanoseconds / 1e9 + self.offset_s - self.began_s

    def of_server(self, seconds: float) -> float:
        """Return seconds since the run began."""
        return seconds - self.began_s


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of a run under traffic."""

    recording: Recording
    sampled: Sampled
    clock: Clock
    readers: int
    writers: int
    stretches: tuple[Stretch, ...]
    stopped: str | None


def traffic(observed: Observed) -> Traffic:
    """Put it together; requests count that were under way during the run."""
    clock, sampled = observed.clock, observed.sampled
    samples = [
        sample
        for sample in observed.recording.samples
        if clock.of_client(sample.end) > 0 and clock.of_client(sample.begin) < clock.seconds
    ]
    latencies = sorted(sample.latency for sample in samples)
    return Traffic(
        seconds=clock.seconds,
        readers=observed.readers,
        writers=observed.writers,
        requests=len(samples),
        errors=_errors(observed.recording),
        answers=_answers(observed.recording, clock),
        longest_ms=max(latencies, default=0) / 1e6,
        median_ms=median(latencies) / 1e6 if latencies else 0.0,
        waits=_waits(sampled.waits, clock),
        spans=_spans(sampled.spans, clock),
        stretches=observed.stretches,
        resolution_ms=sampled.resolution_s * 1000,
        stopped=observed.stopped,
    )


def _errors(recording: Recording) -> tuple[str, ...]:
    counted = Counter((failure.sqlstate, failure.kind) for failure in recording.failures)
    words = {(f.sqlstate, f.kind): f.message.partition("\n")[0] for f in reversed(recording.failures)}
    return tuple(
        f"{number:,} × {kind}: {state}: {words[state, kind]}"
        for (state, kind), number in sorted(counted.items(), key=lambda item: (-item[1], item[0]))[:_ERRORS]
    )


def _answers(recording: Recording, clock: Clock) -> tuple[Answer, ...]:
    """Return the slices in which a request ended."""
    if not recording.samples:
        return ()
    ends = [clock.of_client(sample.end) for sample in recording.samples]
    width = max(_SHORTEST_SLICE_S, (max(ends) - min(ends)) / SLICES)
    slices: dict[int, list[Sample]] = {}
    for sample, end in zip(recording.samples, ends, strict=True):
        slices.setdefault(int(end // width), []).append(sample)
    failures = Counter(int(clock.of_client(failure.at) // width) for failure in recording.failures)
    return tuple(
        Answer(
            at_s=number * width,
            longest_ms=max(sample.latency for sample in samples) / 1e6,
            median_ms=median(sample.latency for sample in samples) / 1e6,
            requests=len(samples),
            errors=failures[number],
        )
        for number, samples in sorted(slices.items())
    )


def _waits(waits: tuple[Wait, ...], clock: Clock) -> tuple[Wait, ...]:
    moved = (replace(wait, began_s=clock.of_server(wait.began_s)) for wait in waits)
    during = (wait for wait in moved if wait.began_s < clock.seconds and wait.began_s + wait.seconds > 0)
    return tuple(sorted(during, key=lambda wait: -wait.seconds)[:_WAITS])


def _spans(spans: tuple[LockSpan, ...], clock: Clock) -> tuple[LockSpan, ...]:
    """Return the run's locks, as one those that keep nobody out and have little time between them."""
    gap = max(_GAP_S, clock.seconds / SLICES)
    found: list[LockSpan] = []
    last: dict[tuple[object, object], int] = {}
    for span in spans:
        moved = replace(span, began_s=clock.of_server(span.began_s), ended_s=clock.of_server(span.ended_s))
        place = (span.relation, span.mode)
        before = last.get(place)
        harmless = not (span.mode.blocks_reads or span.mode.blocks_writes)
        if before is not None and harmless and moved.began_s - found[before].ended_s <= gap:
            ended = max(found[before].ended_s, moved.ended_s)
            found[before] = replace(found[before], ended_s=ended)
            continue
        last[place] = len(found)
        found.append(moved)
    return tuple(span for span in found if span.ended_s > 0 and span.began_s < clock.seconds)
