"""From the answers of one transaction's tracing to what it did: its locks, their spans, its effect."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import msgspec

from migrator.postgres.lock_modes import LockMode
from migrator.shadow.record import Held, Key, Piece, Timeline
from migrator.shadow.relations import OTHERS, Relations, read
from migrator.shadow.trace import changes

Rows = list[tuple[Any, ...]] | None

MODES = {mode.catalog_name: mode for mode in LockMode}


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What the session held at one moment."""

    came: float
    """When the server took up the question."""
    modes: dict[int, LockMode]
    """The strongest lock on each relation, by oid."""
    lsn: int
    left: float
    """When it had the answer."""
    own: bool
    """What ran since the last one is the runner's own."""
    tracing: bool
    """What ran since the last one was tracing."""

    @classmethod
    def of(cls, row: tuple[Any, ...], *, own: bool, tracing: bool) -> "Answered":
        """Return the answer of `sample.sql`."""
        came, relations, modes, lsn, left = row
        held = strongest_modes(zip(relations, modes, strict=True))
        return cls(came=came, modes=held, lsn=lsn, left=left, own=own, tracing=tracing)


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """All answers of one transaction."""

    key: Key
    samples: Sequence[Answered]
    before: Rows
    after: Rows
    """None where there is no answer, () where there is no relation."""
    statements: int
    ending: Answered | None
    undone: Answered | None


def strongest_modes(pairs: Any) -> dict[int, LockMode]:  # noqa: ANN401  # rows of pg_locks
    """Return the strongest mode for each oid of (oid, name of the mode)."""
    held: dict[int, LockMode] = {}
    for oid, name in pairs:
        known = held.get(oid, LockMode.ACCESS_SHARE)
        held[oid] = max(known, MODES[name], key=lambda mode: mode.strength)
    return held


def piece_of(traced: Traced, relations: Relations, timeline: Timeline) -> Piece | None:
    """Return what a transaction did; None where it is the runner's own, or nothing is known of it.

    `relations` are those that were there before, where the transaction was not asked.
    """
    samples = traced.samples
    if not samples:
        return None
    _note(traced, timeline)
    before = relations if traced.before is None else read(traced.before)
    asked = _asked(samples)
    if not (traced.statements or any(oid in before for oid in asked)):
        return None
    end = traced.ending or traced.undone or samples[-1]
    strongest = {oid: mode for oid, (mode, _) in asked.items()}
    after = None if traced.ending is None or traced.after is None else read(traced.after)
    return Piece(
        key=traced.key,
        began=samples[0].left,
        ended=end.came,
        held=held_of(before, asked, end.came),
        wal_bytes=_wal(samples, traced.ending),
        measured=None if after is None else changes(before, after, strongest),
    )


def held_of(relations: Relations, asked: dict[int, tuple[LockMode, float]], ended: float) -> tuple[Held, ...]:
    """Return the locks on what `relations` knows; `asked` has their modes and when they were asked for."""
    return tuple(
        Held(
            relation=relations[oid].name,
            mode=mode,
            other=relations[oid].kind in OTHERS,
            began=began,
            ended=ended,
        )
        for oid, (mode, began) in asked.items()
        if oid in relations
    )


def _asked(samples: Sequence[Answered]) -> dict[int, tuple[LockMode, float]]:
    """Return of each relation the strongest lock that is not the runner's own, and when it was asked for."""
    found: dict[int, tuple[LockMode, float]] = {}
    known: dict[int, int] = {}
    for i, sample in enumerate(samples[1:]):
        for oid, mode in sample.modes.items():
            if mode.strength > known.get(oid, 0):
                known[oid] = mode.strength
                if not sample.own:
                    found[oid] = (mode, samples[i].left)
    return found


def _wal(samples: Sequence[Answered], ending: Answered | None) -> int:
    """Return the bytes of log written by statements that are not the runner's own, and by COMMIT."""
    pairs = pairwise(samples)
    written = sum(later.lsn - earlier.lsn for earlier, later in pairs if not later.own)
    return written + (ending.lsn - samples[-1].lsn if ending else 0)


def _note(traced: Traced, timeline: Timeline) -> None:
    samples = traced.samples
    timeline.begin(samples[0].came)
    timeline.spent += [(sample.came, sample.left) for sample in samples]
    pairs = pairwise(samples)
    timeline.spent += [(earlier.left, later.came) for earlier, later in pairs if later.tracing]
