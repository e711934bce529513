"""A migration file: version, name, statements with their checksums, directives.

Interface of the module (the reading itself is in `split`, `tokens`, `grammar`): `read_migration(text, file=…)`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from migrator.errors import Location
from migrator.sql.syntax import Command, Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """`-- migrate: allow HAZARD reason="…" [until=YYYY-MM-DD]`."""

    hazard: str
    reason: str | None
    until: str | None
    at: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class BackfillChoice:
    """`-- migrate: backfill existing-rows | keep-filled`."""

    keep_filled: bool
    at: Location


Directive = Allow | BackfillChoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement of a file, its exact text without the semicolon, and what it says."""

    text: str
    span: Span
    at: Location
    command: Command
    checksum: str
    """SHA-256 over the statement's tokens: comments and white space do not count."""
    directives: tuple[Directive, ...] = ()
    """Those right before the statement; the file's own are in `Migration.directives`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """A file `VERSION_name.sql`, or standard input (version `-`)."""

    version: str
    name: str
    file: str
    text: str = field(repr=False)
    statements: tuple[Statement, ...]
    directives: tuple[Directive, ...] = ()
