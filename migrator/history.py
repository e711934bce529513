"""The folder of migration files: `VERSION_name.sql`, in the order of their versions.

Versions are compared as numbers, so 9 comes before 10. Reading is left until it is asked for: names are
enough to know what is pending. Fails with InputError (a file, at its line where it has one) or UsageError
(the folder).
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from migrator.errors import InputError, Location, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from migrator.sql.migration import Migration

PATTERN = "VERSION_name.sql, where VERSION is digits, such as 20260105090000_add_email_to_users.sql"

_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""In a name it could pass for another line of a report, or is a byte that is not UTF-8."""

_NAME = re.compile(r"(?P<version>[0-9]+)_(?P<name>.+)\.sql", re.DOTALL)


class MigrationFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file that has not been read yet."""

    version: str
    name: str
    path: Path

    @property
    def order(self) -> tuple[int, str]:
        """What the files are sorted by."""
        return int(self.version), self.version


def migration_file(path: Path) -> MigrationFile:
    """Return version and name of a file; raises InputError where it is not named by the pattern."""
    found = _NAME.fullmatch(path.name)
    if found is None or _UNPRINTABLE.search(path.name):
        raise InputError(f"{path} is not named {PATTERN}", hint="rename it, or move it out of this folder")
    return MigrationFile(version=found["version"], name=found["name"], path=path)


def list_files(directory: Path) -> tuple[MigrationFile, ...]:
    """Return the migration files of the folder in their order; an empty folder has none."""
    try:
        paths = [
            path for path in directory.iterdir() if path.suffix == ".sql" and not path.name.startswith(".")
        ]
    except OSError as error:
        raise UsageError(
            f"cannot read the folder of migrations {directory}: {error.strerror}",
            hint="make one with migrate init, or name another with --dir",
        ) from error
    return in_order(map(migration_file, paths))


def in_order(files: Iterable[MigrationFile]) -> tuple[MigrationFile, ...]:
    """Return the files by version; raises InputError where two share one (0012 and 12 are the same)."""
    ordered = sorted(files, key=lambda file: (file.order, file.path.name))
    for first, second in pairwise(ordered):
        if int(first.version) == int(second.version):
            raise InputError(
                f"{first.path.name} and {second.path.name} have the same version",
                hint=f"give the later one a version of its own: migrate renumber {second.path}",
            )
    return tuple(ordered)


def read_history(directory: Path) -> tuple[Migration, ...]:
    """Return all migrations of the folder, read, in their order."""
    return read_files(list_files(directory))


def read_files(files: Iterable[MigrationFile]) -> tuple[Migration, ...]:
    """Read these files, and no others."""
    return tuple(map(read_file, files))


def read_file(file: MigrationFile) -> Migration:
    """Read one file; raises InputError where it cannot be read or is not UTF-8."""
    from migrator.sql.migration import read_migration  # noqa: PLC0415  # loads sqlglot

    return read_migration(read_text(file.path), file=str(file.path), version=file.version, name=file.name)


def read_text(path: Path) -> str:
    """Return the text of a file without a byte order mark; line ends stay as they are."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from error
    try:
        return content.decode("utf-8").removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        column = len(before[before.rfind(b"\n") + 1 :].decode("utf-8", "replace")) + 1
        at = Location(file=str(path), line=before.count(b"\n") + 1, column=column)
        raise InputError(f"this is not UTF-8 (byte 0x{content[error.start]:02x})", at=at) from None
