"""What was found, as JSON beside the page, so that a long replay need not be done again for the next one."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from benchmarks.histories.empty import EmptyRecord
from benchmarks.histories.live import LiveRecord


class Results(msgspec.Struct, kw_only=True):
    """By name of the history."""

    server: str = ""
    empty: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)
    live: dict[str, dict[str, Any]] = msgspec.field(default_factory=dict)


def load(path: Path) -> Results:
    """Nothing, where the file is not there yet."""
    return msgspec.json.decode(path.read_bytes(), type=Results) if path.exists() else Results()


def save(path: Path, results: Results) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results)))


def plain(record: EmptyRecord | LiveRecord) -> dict[str, Any]:
    """The record in types that JSON has."""
    found = asdict(record)  # which does not copy a Counter rightly
    hazards = record.counts.hazards
    found["counts"]["hazards"] = {" ".join(key): number for key, number in sorted(hazards.items())}
    return {key: sorted(value) if isinstance(value, set) else value for key, value in found.items()}
