"""What a statement did, in a line of text: `t AX, p SRX; scan t; rewrite t; index t`, or `error 42P16`.

Modes are AS, RS, RX, SUX, S, SRX, X and AX, as pg_locks orders them by strength. A rewrite and an index build
read the table: that is not written again as a scan. `empty t` is a table with new storage that holds nothing.
`none` is nothing at all. Left out are the locks that reading takes on indexes and sequences, and writing on
indexes.
"""

from dataclasses import dataclass, field

from migrator.postgres.lock_modes import LockMode
from tests.measured.looking import Seen

WORK = ("scan", "rewrite", "index", "empty")

_BY_USE = LockMode.ROW_EXCLUSIVE.strength

_SHORT = dict(zip(("AS", "RS", "RX", "SUX", "S", "SRX", "X", "AX"), LockMode, strict=True))
_WORDS = {mode: short for short, mode in _SHORT.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Names are without `public.`."""

    locks: dict[str, LockMode] = field(default_factory=dict)
    work: dict[str, frozenset[str]] = field(default_factory=dict)
    """`scan`, `rewrite`, `index`, `empty`: the tables."""
    error: str | None = None
    """SQLSTATE; empty where any will do."""

    def __str__(self) -> str:
        """As `read` takes it, the same text for the same outcome."""
        if self.error is not None:
            return f"error {self.error}".strip()
        locks = ", ".join(f"{name} {_WORDS[mode]}" for name, mode in sorted(self.locks.items(), key=_order))
        parts = [f"{kind} {', '.join(sorted(self.work[kind]))}" for kind in WORK if self.work.get(kind)]
        return "; ".join(part for part in (locks, *parts) if part) or "none"

    def agrees(self, measured: "Outcome") -> bool:
        """Whether a claim is what was measured; an error without a SQLSTATE is any error."""
        either = self.error == "" and measured.error is not None
        return either or str(self) == str(measured)

    @property
    def locks_text(self) -> str:
        """The locks alone."""
        return str(Outcome(locks=self.locks)).replace("none", "–")


def _order(item: tuple[str, LockMode]) -> tuple[int, str]:
    return -item[1].strength, item[0]


def read(text: str) -> Outcome:
    """Read what `str` of an outcome gives."""
    if text.startswith("error"):
        return Outcome(error=text.removeprefix("error").strip())
    locks: dict[str, LockMode] = {}
    work: dict[str, frozenset[str]] = {}
    for part in text.split("; ") if text != "none" else ():
        kind, _, names = part.partition(" ")
        if kind in WORK:
            work[kind] = frozenset(names.split(", "))
        else:
            for lock in part.split(", "):
                name, _, mode = lock.rpartition(" ")
                locks[name] = _SHORT[mode]
    return Outcome(locks=locks, work=work)


def of(seen: Seen, namespace: str) -> Outcome:
    """Return what was seen; names of the namespace are written without it."""

    def short(name: object) -> str:
        return str(name).removeprefix(f"{namespace}.")

    measured = seen.measured
    locks = {short(lock.relation): lock.mode for lock in measured.locks}
    for lock in measured.other_locks:
        of_sequence = str(lock.relation) in seen.sequences and lock.mode is not LockMode.ACCESS_SHARE
        if lock.mode.strength > _BY_USE or of_sequence:
            locks[short(lock.relation)] = lock.mode
    empty = frozenset(map(short, measured.truncated))
    rewrites = frozenset(map(short, measured.rewrites)) - empty
    indexes = frozenset(map(short, measured.index_builds)) - empty
    scans = frozenset(map(short, seen.scans)) - rewrites - indexes - empty
    return Outcome(locks=locks, work={"scan": scans, "rewrite": rewrites, "index": indexes, "empty": empty})
