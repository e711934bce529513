"""Domains: types of the user's over another type."""

from __future__ import annotations

import msgspec

from migrator.postgres.identifiers import QualifiedName  # msgspec reads annotations


class Domain(msgspec.Struct, frozen=True, kw_only=True):
    """A domain; `type` is format_type's text of what it is over, which may be another domain."""

    name: QualifiedName
    type: str
    collation: str | None = None
    """Where it is not that of the type it is over."""
