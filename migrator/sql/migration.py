"""A migration file: version, name, statements with their checksums, directives.

`read_migration` is the way in. It fails with `SqlSyntaxError` where the text cannot be cut into statements,
with `DirectiveError` on a `-- migrate:` comment that is not understood, and with `InputError` on a file name
without a version. A statement that the grammar does not know is not a failure: its command is `Opaque`.

Which directive belongs to what: see `migrator.sql.directives`. A directive belongs to the statement after it,
except before the first statement and with a blank line in between: then it belongs to the file.
"""

from __future__ import annotations

import re
from pathlib import PurePath

import msgspec

from migrator.errors import InputError, Location
from migrator.sql.checksum import checksum
from migrator.sql.directives import Allow, BackfillChoice, Directive, read_directives
from migrator.sql.grammar import read_command
from migrator.sql.split import split
from migrator.sql.syntax import Command, Span

__all__ = ["Allow", "BackfillChoice", "Directive", "Migration", "Statement", "read_migration"]

STANDARD_INPUT = "-"
"""The file name and version of a migration that is read from standard input."""

_FILE_NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.+)\.sql", re.DOTALL)


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """One statement of a file, its exact text without the semicolon, and what it says."""

    text: str
    span: Span
    at: Location
    command: Command
    checksum: str
    """SHA-256 over the statement's tokens: comments and white space do not count."""
    directives: tuple[Directive, ...] = ()
    """Those right before the statement; the file's own are in `Migration.directives`."""


class Migration(msgspec.Struct, frozen=True, kw_only=True):
    """A file `VERSION_name.sql`, or standard input (version `-`)."""

    version: str
    name: str
    file: str
    text: str
    statements: tuple[Statement, ...]
    directives: tuple[Directive, ...] = ()


def read_migration(text: str, *, file: str, version: str | None = None, name: str | None = None) -> Migration:
    """Read the text of a migration; version and name come from the file's name where they are not given."""
    if version is None or name is None:
        from_file = version_and_name(file)
        version = version or from_file[0]
        name = name or from_file[1]
    script = split(text, file=file)
    directives = read_directives(script)
    statements = tuple(
        Statement(
            text=piece.text,
            span=piece.span,
            at=script.lines.locate(piece.span.start),
            command=read_command(text, piece.tokens),
            checksum=checksum(text, piece.tokens),
            directives=own,
        )
        for piece, own in zip(script.pieces, directives.of_statements, strict=True)
    )
    return Migration(
        version=version,
        name=name,
        file=file,
        text=text,
        statements=statements,
        directives=directives.of_file,
    )


def version_and_name(file: str) -> tuple[str, str]:
    """Return version and name of `<digits>_<name>.sql`."""
    if file == STANDARD_INPUT:
        return STANDARD_INPUT, "standard input"
    found = _FILE_NAME.fullmatch(PurePath(file).name)
    if found is None:
        raise InputError(
            f"{file}: not the name of a migration",
            hint="a migration is called VERSION_name.sql; make one with: migrate new NAME",
        )
    return found["version"], found["name"]
