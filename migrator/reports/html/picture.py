"""What the timeline shows of a run: lanes of locks, what the run was at, what the application felt.

Taken from a run beside traffic where there was one, else from what each step was measured to do.
"""

from itertools import pairwise

import msgspec

from migrator.plan.proof import Answer, LockSpan, Measurement, Stretch, Traffic, Wait
from migrator.postgres.identifiers import QualifiedName

MOST_LANES = 14


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """A relation with the locks on it."""

    relation: QualifiedName
    spans: tuple[LockSpan, ...]

    @property
    def blocking(self) -> float:
        """For how long reads or writes had to wait, in seconds."""
        return sum(span.seconds for span in self.spans if span.mode.blocks_writes)


class Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One run."""

    name: str
    begin_s: float
    end_s: float
    seconds: float
    """How long the run itself took."""
    stretches: tuple[Stretch, ...]
    lanes: tuple[Lane, ...]
    left_out: int
    """Relations without a lane of their own."""
    answers: tuple[Answer, ...] = ()
    waits: tuple[Wait, ...] = ()

    @property
    def slice_s(self) -> float:
        """How long the slice of an answer is."""
        return _slice_s(self.answers)


def _slice_s(answers: tuple[Answer, ...]) -> float:
    pairs = pairwise(answer.at_s for answer in answers)
    return min((later - earlier for earlier, later in pairs), default=0.02)


def of_traffic(name: str, traffic: Traffic) -> Picture:
    """Return the picture of a run beside traffic."""
    at = [answer.at_s for answer in traffic.answers]
    lanes, left_out = _lanes(traffic.spans)
    return Picture(
        name=name,
        begin_s=min([0.0, *at]),
        end_s=max([traffic.seconds, *(moment + _slice_s(traffic.answers) for moment in at)]),
        seconds=traffic.seconds,
        stretches=traffic.stretches,
        lanes=lanes,
        left_out=left_out,
        answers=traffic.answers,
        waits=traffic.waits,
    )


def of_measurements(name: str, measurements: tuple[Measurement, ...]) -> Picture | None:
    """Return the picture of a run without traffic; None where nothing was done."""
    if not measurements:
        return None
    lanes, left_out = _lanes(tuple(span for each in measurements for span in each.locks))
    end = max(each.began_s + each.seconds for each in measurements)
    return Picture(
        name=name,
        begin_s=0.0,
        end_s=end,
        seconds=end,
        stretches=tuple(
            Stretch(id=m.id, title=m.title, began_s=m.began_s, ended_s=m.began_s + m.seconds)
            for m in measurements
        ),
        lanes=lanes,
        left_out=left_out,
    )


def _lanes(spans: tuple[LockSpan, ...]) -> tuple[tuple[Lane, ...], int]:
    """Return the lanes in the order of their names; where there are too many, those that keep most out."""
    names = sorted({span.relation for span in spans}, key=str)
    lanes = [Lane(relation=n, spans=tuple(s for s in spans if s.relation == n)) for n in names]
    kept = sorted(lanes, key=lambda lane: -lane.blocking)[:MOST_LANES]
    chosen = {lane.relation for lane in kept}
    return tuple(lane for lane in lanes if lane.relation in chosen), len(lanes) - len(kept)
