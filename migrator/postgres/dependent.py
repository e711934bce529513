"""What the server records as depending on a relation, beside views and foreign keys."""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName


class Dependent(msgspec.Struct, frozen=True, kw_only=True):
    """An object that stops DROP without CASCADE; views and foreign keys are listed elsewhere."""

    kind: str
    """In the server's words: `function`, `policy`, `table column`, …"""
    name: str
    """Its own bare name, by which a later DROP finds it; empty where it has none."""
    identity: str
    """What pg_identify_object calls it, e.g. `public.open_orders(integer)`."""
    table: QualifiedName | None = None
    """The relation that it is part of, and goes with."""

    def __str__(self) -> str:
        return f"{self.kind} {self.identity}"
