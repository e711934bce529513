"""The key of the runner lock: an advisory lock of the database, derived from the journal's schema."""

import hashlib

_HALF = 32


def key(schema: str) -> int:
    """Return the 64-bit key; two journals in one database have two."""
    digest = hashlib.sha256(f"migrator runner {schema}".encode()).digest()
    return int.from_bytes(digest[:8], signed=True)


def key_halves(schema: str) -> tuple[int, int]:
    """Return the key as pg_locks shows it: `classid` and `objid`, both unsigned."""
    unsigned = key(schema) % (1 << 64)
    return unsigned >> _HALF, unsigned % (1 << _HALF)
