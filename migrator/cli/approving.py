"""Approvals as text: entries of the approvals file, and directives in a migration file."""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import msgspec

from migrator.cli.whole_file import write_whole
from migrator.errors import UsageError
from migrator.plan.hazard import Hazard
from migrator.plan.plan import SourceStatement

HEAD = """\
# Which statements may run although they destroy data, break running code or are not understood.
# An entry is for the statement as it is now: `migrate plan` shows what to paste, `migrate approve` writes it.
"""

_LINE_END = re.compile(r"\r\n|\n|\r")


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """A hazard of a statement that somebody approves."""

    hazard: Hazard
    statement: SourceStatement


def add_entries(path: Path, entries: Iterable[Sequence[str]]) -> None:
    """Put entries at the end of the approvals file, which is made where there is none."""
    text = _read(path) if path.exists() else HEAD
    for lines in entries:
        text = f"{text.rstrip()}\n\n" + "\n".join(lines) + "\n"
    write_whole(path, text)


def rename_entries(path: Path, old: str, new: str) -> bool:
    """Make the entries of a migration file name it by its new name; False where it has none."""
    if not path.is_file():
        return False
    line = re.compile(rf"""^([ \t]*file[ \t]*=[ \t]*)(["']){re.escape(old)}\2""", re.MULTILINE)
    text, count = line.subn(lambda found: f"{found[1]}{found[2]}{new}{found[2]}", _read(path))
    if count:
        write_whole(path, text)
    return count > 0


def add_directives(path: Path, approved: Sequence[Approved], options: str) -> None:
    """Write a directive before each statement; `options` is what stands after the hazard's name."""
    text = _read(path)
    starts = [0, *(found.end() for found in _LINE_END.finditer(text))]
    ends = _LINE_END.search(text)
    line_end = ends[0] if ends else "\n"
    for each in sorted(approved, key=lambda a: a.statement.line, reverse=True):
        start = starts[each.statement.line - 1]
        indentation = text[start:][: each.statement.column - 1].lstrip("\ufeff")
        if indentation.strip():
            raise UsageError(
                f"{path}:{each.statement.line}: a directive stands on a line of its own, and this statement "
                "begins in the middle of one",
                hint="begin a line with the statement, then try again",
            )
        start += text[start:].startswith("\ufeff")
        directive = f"{indentation}-- migrate: allow {each.hazard.kind} {options}{line_end}"
        text = text[:start] + directive + text[start:]
    write_whole(path, text)


def directive_options(reason: str, until: date | None) -> str:
    """Return what stands after the hazard's name in a directive."""
    escaped = reason.replace("\\", "\\\\").replace('"', '\\"')
    return f'reason="{escaped}"' + (f" until={until.isoformat()}" if until else "")


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read {path}: {reason}") from error
