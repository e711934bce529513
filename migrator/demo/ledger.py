"""What the application knows that it was told: every change whose COMMIT the server confirmed.

Each writer changes only rows of its own, so the last value it wrote is the value that must stand in the
table. A change whose outcome nobody knows (the connection was lost in COMMIT) makes its row uncertain:
nothing is claimed about it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec


class Order(msgspec.Struct, frozen=True):
    """An order as its writer left it."""

    status: str
    history: int
    """Rows in order_history."""
    items: int
    total: int | None
    """None for an order that was there before: only its writer's own changes are known."""


@dataclass(slots=True)
class Ledger:
    """The rows of one writer, or of all of them together, by their ids as text."""

    orders: dict[str, Order] = field(default_factory=dict)
    cancelled: set[str] = field(default_factory=set)
    emails: dict[str, str] = field(default_factory=dict)
    """Customers that signed up or changed their address."""
    signed_up: int = 0
    placed: int = 0
    uncertain: set[str] = field(default_factory=set)
    """Orders and customers that nothing is claimed about; and see `doubts`."""
    doubts: int = 0
    """How often the outcome of a COMMIT was not known: totals may be off by as much."""

    def add(self, other: "Ledger") -> None:
        """Take over another writer's rows."""
        self.orders |= other.orders
        self.cancelled |= other.cancelled
        self.emails |= other.emails
        self.uncertain |= other.uncertain
        self.signed_up += other.signed_up
        self.placed += other.placed
        self.doubts += other.doubts


def write(ledgers: Iterable[Ledger], path: Path) -> None:
    """Save the rows of all writers in one file."""
    total = Ledger()
    for ledger in ledgers:
        total.add(ledger)
    path.write_bytes(msgspec.json.encode(total, order="deterministic"))


def read(path: Path) -> Ledger:
    """Read what `write` saved."""
    return msgspec.json.decode(path.read_bytes(), type=Ledger)
