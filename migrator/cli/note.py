"""An event of a run as it is told: its name and fields in the log, its words on a terminal."""

from typing import Any

import msgspec


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What an event is called in the log, its fields, and what a terminal shows."""

    name: str
    text: str
    fields: dict[str, Any] = msgspec.field(default_factory=dict)
    level: str = "info"
    every_s: float = 0.0
    """Say it at most this often: events of this name come in great numbers."""
    topic: str = ""
    """Say it at once where this has changed."""
