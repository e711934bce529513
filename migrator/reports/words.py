"""Effects, limits and counts in words: the vocabulary that all formats share."""

import textwrap
from collections.abc import Iterable
from functools import lru_cache

from migrator.plan.effect import Effect
from migrator.plan.step import Recovery, Timeouts
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

RECOVERY = {
    Recovery.TRANSACTIONAL: "commits with its journal row",
    Recovery.PROBED: "the catalog says whether it is done",
    Recovery.CHECKPOINTED: "each batch commits with its place",
    Recovery.UNPROVABLE: "a crash in between needs a person",
}

WIDTH = 100
"""Columns of a text report."""

MARGIN = " " * 7
"""What stands before the lines that belong to a statement or a step."""

_SECOND, _MINUTE, _HOUR, _DAY = 1, 60, 3600, 86400


@lru_cache(maxsize=4096)
def prose(text: str, *, indent: str = MARGIN) -> tuple[str, ...]:
    """Return the text in lines of a report, those after the first a little further to the right."""
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
    return tuple(lines)


def counted(number: int, noun: str) -> str:
    """Return `1 step`, `2 steps`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def blocked(mode: LockMode) -> str:
    """Say whom a lock blocks."""
    if mode.blocks_reads:
        return "blocks reads and writes"
    return "blocks writes" if mode.blocks_writes else "blocks neither reads nor writes"


def locks(effect: Effect) -> str:
    """Return the locks, relations with the same mode together."""
    modes = dict.fromkeys(lock.mode for lock in effect.locks)
    parts = [
        f"{mode} on {names(lock.relation for lock in effect.locks if lock.mode is mode)}" for mode in modes
    ]
    return "; ".join(parts) or "no lock"


def names(relations: Iterable[QualifiedName]) -> str:
    """Return the names in their order, each once."""
    return ", ".join(dict.fromkeys(map(str, relations)))


def work(effect: Effect) -> str:
    """Say what is done while the locks are held."""
    if effect.unknown:
        return "does what this tool cannot know"
    parts = [
        f"rewrites {names(effect.rewrites)}" if effect.rewrites else "",
        f"builds an index on {names(effect.index_builds)}" if effect.index_builds else "",
        f"scans {names(effect.scans)}" if effect.scans else "",
    ]
    if effect.worst is LockMode.ROW_EXCLUSIVE:
        parts.append("locks the rows that it changes until it commits")
    return ", ".join(part for part in parts if part) or "changes the catalog only"


def whom(effect: Effect) -> str:
    """Say whom the strongest lock blocks, and for how long."""
    worst = effect.worst
    if worst is None:
        return ""
    if worst is LockMode.ROW_EXCLUSIVE:
        return "blocks writes of the same rows"
    if not worst.blocks_writes:
        return blocked(worst)
    return f"{blocked(worst)} {'all that time' if effect.long else 'for an instant, once it has the lock'}"


def limits(timeouts: Timeouts) -> str:
    """Return timeouts of a step."""
    lock = "no lock timeout" if timeouts.lock_ms is None else f"lock timeout {timeouts.lock_ms:,} ms"
    statement = (
        "no statement timeout"
        if timeouts.statement_ms is None
        else f"statement timeout {timeouts.statement_ms:,} ms"
    )
    return f"{lock}, {statement}, tried for {duration(timeouts.deadline_s)}"


def duration(seconds: float) -> str:
    """Return `10 min`, `24 h`."""
    for unit, word in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"), (_SECOND, "s")):
        if seconds >= 2 * unit or (seconds >= unit and seconds % unit == 0):
            return f"{seconds / unit:g} {word}"
    return f"{seconds:g} s"
