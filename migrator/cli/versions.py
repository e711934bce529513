"""Versions and names of migration files: `YYYYMMDDHHMMSS_slug.sql`, in UTC."""

import re
import unicodedata
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from migrator.errors import UsageError

FORMAT = "%Y%m%d%H%M%S"

_FILE = re.compile(r"(?P<version>\d+)_(?P<slug>.+)\.sql")

_SLUG_LIMIT = 80


def slug(title: str) -> str:
    """Return `title` in lower-case ASCII letters, digits and underscores."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    found = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:_SLUG_LIMIT].strip("_")
    if not found:
        raise UsageError(f"{title!r} gives no file name: it needs a letter or a digit")
    return found


def file_name(version: str, name: str) -> str:
    """Return the file's name."""
    return f"{version}_{name}.sql"


def parts(path: Path) -> tuple[str, str] | None:
    """Return version and slug of a migration file, or None where the name is not of that form."""
    found = _FILE.fullmatch(path.name)
    return None if found is None else (found["version"], found["slug"])


def next_version(directory: Path, now: datetime | None = None) -> str:
    """Return the version of this second, or the first one after all that the folder has."""
    moment = (now or datetime.now(UTC)).replace(microsecond=0)
    latest = max(_moments(directory), default=None)
    if latest is not None and latest >= moment:
        moment = latest + timedelta(seconds=1)
    return moment.strftime(FORMAT)


def _moments(directory: Path) -> Iterable[datetime]:
    for path in directory.glob("*.sql"):
        found = parts(path)
        if found is not None and len(found[0]) == len("YYYYMMDDHHMMSS"):
            try:
                yield datetime.strptime(found[0], FORMAT).replace(tzinfo=UTC)
            except ValueError:
                continue
