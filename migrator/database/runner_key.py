"""The keys of our advisory locks: the runner lock's, and that of each migration's lease."""

import hashlib

_HALF = 32


def key(schema: str) -> int:
    """Return the 64-bit key; two journals in one database have two."""
    return _number(f"migrator runner {schema}")


def lease_key(schema: str, version: str) -> int:
    """Return the 64-bit key of the lease of a migration."""
    return _number(f"migrator lease {schema} {version}")


def _number(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], signed=True)


def key_halves(schema: str) -> tuple[int, int]:
    """Return the key as pg_locks shows it: `classid` and `objid`, both unsigned."""
    unsigned = key(schema) % (1 << 64)
    return unsigned >> _HALF, unsigned % (1 << _HALF)
