"""Durations as people write them, on the command line and in migrate.toml: `100ms`, `10 min`, `1h30m`."""

import re

_UNITS: dict[str, float] = {
    **dict.fromkeys(("ms",), 0.001),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1.0),
    **dict.fromkeys(("m", "min", "minute", "minutes"), 60.0),
    **dict.fromkeys(("h", "hour", "hours"), 3600.0),
    **dict.fromkeys(("d", "day", "days"), 86400.0),
}

_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*")


def parse_duration(text: str) -> float | None:
    """Return seconds, or None where `text` is no duration; every number needs a unit, but 0 does not."""
    rest = text.strip().lower()
    if rest == "0":
        return 0.0
    total = 0.0
    while found := _PART.match(rest):
        if found[2] not in _UNITS:
            return None
        total += float(found[1]) * _UNITS[found[2]]
        rest = rest[found.end() :]
        if not rest:
            return total
    return None
