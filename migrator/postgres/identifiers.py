"""Names as PostgreSQL folds, quotes and cuts them (manual: "Identifiers and Key Words").

A name is held here as the server stores it: folded, without quotes, cut to 63 bytes. It may assume that
callers fold text from a file with `fold` exactly once. Quoting is always done; it is never wrong.
"""

from __future__ import annotations

import msgspec

NAME_LIMIT = 63
"""NAMEDATALEN - 1, in bytes."""


class QualifiedName(msgspec.Struct, frozen=True, order=True):
    """The name of a relation, type or function; `schema` is None only where a file did not write one."""

    schema: str | None
    name: str

    def __str__(self) -> str:
        return self.name if self.schema is None else f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """The name as it may stand in SQL."""
        own = quote(self.name)
        return own if self.schema is None else f"{quote(self.schema)}.{own}"


def quote(name: str) -> str:
    """Return `name` as a quoted identifier; a NUL byte cannot be part of one."""
    if "\0" in name or not name:
        message = "an identifier cannot be empty or hold a NUL character"
        raise ValueError(message)
    return '"' + name.replace('"', '""') + '"'


def fold(written: str) -> str:
    """Return the stored form of an identifier as `written` in a file.

    Unquoted or lower case, cut to the limit.
    """
    if written.startswith('"'):
        return truncate(written[1:-1].replace('""', '"'))
    return truncate("".join(c.lower() if c.isascii() else c for c in written))


def truncate(name: str, limit: int = NAME_LIMIT) -> str:
    """Cut `name` to `limit` bytes without splitting a character, as the server does."""
    return name.encode()[:limit].decode(errors="ignore")


def derived(*parts: str, suffix: str) -> str:
    """Return `a_b_suffix` within the limit; the parts are shortened, never the suffix.

    Used for the names of our own helpers and for the names the server would choose itself (`makeObjectName`):
    as there, the longer of two parts loses characters first.
    """
    pieces = list(parts)
    while len("_".join([*pieces, suffix]).encode()) > NAME_LIMIT:
        longest = max(range(len(pieces)), key=lambda i: (len(pieces[i].encode()), -i))
        pieces[longest] = truncate(pieces[longest], len(pieces[longest].encode()) - 1)
    return "_".join([*pieces, suffix])
