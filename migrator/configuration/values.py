"""Readers of single settings: from a TOML value, or from the text of an environment variable or a flag.

Each takes what was written and returns what is meant, or raises ValueError with what was expected.
"""

from __future__ import annotations

import re
import shlex
from typing import Any

from migrator.configuration.durations import parse_duration
from migrator.postgres.identifiers import NAME_LIMIT
from migrator.postgres.versions import NEWEST_KNOWN, OLDEST_SUPPORTED

_BYTES = {"B": 1, "kB": 1024, "KiB": 1024, "MB": 1024**2, "MiB": 1024**2, "GB": 1024**3, "GiB": 1024**3}

_QUANTITY = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*")


_LONGEST_DEADLINE_S = 24 * 86_400


def seconds(written: object) -> float:
    """Read a duration such as '100ms', '2.5 s', '10 min', '1h'; return seconds, more than 0."""
    found = parse_duration(written) if isinstance(written, str) else None
    if not found:
        raise ValueError(
            f"expected a duration with its unit, such as '100ms', '30s' or '10 min', not {written!r}"
        )
    return found


def deadline(written: object) -> float:
    """Read a duration that a server's timeout can have: at most 24 days."""
    found = seconds(written)
    if found > _LONGEST_DEADLINE_S:
        raise ValueError(f"expected a duration of at most 24 days, not {written!r}")
    return found


def seconds_or_off(written: object) -> float:
    """Read a duration; false or 'off' is 0, which a duration may not be: it could be meant as either."""
    if written is False or (isinstance(written, str) and written.strip().lower() in {"off", "false"}):
        return 0.0
    return seconds(written)


def milliseconds(written: object) -> int:
    """Read a duration; return whole milliseconds, at least 1."""
    return max(1, round(seconds(written) * 1000))


def size(written: object) -> int:
    """Read a number of bytes, whole or with a unit as PostgreSQL has it: '16MB' is 16 × 1024²."""
    if isinstance(written, int) and not isinstance(written, bool) and written >= 0:
        return written
    found = _QUANTITY.fullmatch(written) if isinstance(written, str) else None
    if found is None or found[2] not in {*_BYTES, ""}:
        raise ValueError(f"expected a size such as '16MB' or a number of bytes, not {written!r}")
    return int(float(found[1]) * _BYTES.get(found[2], 1))


def count(written: object) -> int:
    """Read a whole number of at least 1."""
    return _integer(written, 1)


def count_or_zero(written: object) -> int:
    """Read a whole number of at least 0."""
    return _integer(written, 0)


def flag(written: object) -> bool:
    """Read true or false."""
    words = {
        "true": True,
        "1": True,
        "yes": True,
        "on": True,
        "false": False,
        "0": False,
        "no": False,
        "off": False,
    }
    if isinstance(written, bool):
        return written
    if isinstance(written, str) and written.lower() in words:
        return words[written.lower()]
    raise ValueError(f"expected true or false, not {written!r}")


def text(written: object) -> str:
    """Read a text that is not empty."""
    if not isinstance(written, str) or not written.strip():
        raise ValueError(f"expected a text, not {written!r}")
    return written


def name(written: object) -> str:
    """Read the name of a schema or role, as the server stores it: what is written here is never folded."""
    found = text(written)
    if len(found.encode()) > NAME_LIMIT or "\0" in found or found.startswith("pg_"):
        raise ValueError(
            f"expected a name of at most {NAME_LIMIT} bytes that does not begin with pg_: {written!r}"
        )
    return found


def command(written: object) -> tuple[str, ...]:
    """Read a command: a list of arguments, or one line that is split like a shell's. No shell runs it."""
    parts = shlex.split(written) if isinstance(written, str) else written
    if not isinstance(parts, list) or not parts or not all(isinstance(part, str) for part in parts):
        raise ValueError(f"expected a command, as one line or a list of arguments, not {written!r}")
    return tuple(parts)


def postgres_version(written: object) -> int:
    """Read a major version."""
    found = _integer(written, OLDEST_SUPPORTED)
    if found > NEWEST_KNOWN:
        raise ValueError(f"expected a version from {OLDEST_SUPPORTED} to {NEWEST_KNOWN}, not {written!r}")
    return found


def _integer(written: object, least: int) -> int:
    value: Any = int(written) if isinstance(written, str) and written.strip().isdigit() else written
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"expected a whole number of at least {least}, not {written!r}")
    return value
