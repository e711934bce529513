"""The approvals file: `approvals.toml` in the folder of the migration files.

    [[approvals]]
    file = "20260105090000_drop_carts.sql"
    statement = "…"                # the statement's checksum; `migrate plan` prints the entry to paste
    hazard = "data-loss"
    reason = "no reader since release 81"
    until = 2027-01-31             # optional
    approved_by = "dba@example.org"  # optional

It stands in one file so that those who own it can be asked for every change (CODEOWNERS). A missing file has
no entries. Fails with ApprovalsError, at its line, on anything that is not understood: an approval that is
passed over in silence would be as bad as one that nobody gave.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from migrator.configuration.document import Document, read
from migrator.errors import ApprovalsError, ConfigurationError, Location
from migrator.plan.hazard import Approval, ApprovedIn, HazardKind
from migrator.plan.hazard_groups import near_hazard
from migrator.policy import ApprovalsFile, FileApproval

if TYPE_CHECKING:
    from migrator.policy import Policy

NAME = "approvals.toml"
TABLE = "approvals"

_KEYS = ("file", "statement", "hazard", "reason", "until", "approved_by")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_CHECKSUM = re.compile(r"[0-9a-f]{64}")


class _Wrong(Exception):
    """A value of an entry is wrong; `key` is its key."""

    def __init__(self, message: str, key: str | None = None) -> None:
        super().__init__(message)
        self.key = key


def read_approvals(directory: Path, policy: Policy) -> ApprovalsFile:
    """Read the approvals file of the folder."""
    path = directory / NAME
    if not path.exists():
        return ApprovalsFile(path=path.as_posix())
    document = _document(path)
    entries = [_entry(document, each, number, policy) for number, each in enumerate(_tables(document))]
    _check_unique(entries)
    names = dict.fromkeys(entry.file for entry in entries)
    absent = tuple(name for name in names if not (directory / name).exists())
    return ApprovalsFile(path=path.as_posix(), entries=tuple(entries), absent=absent)


def _document(path: Path) -> Document:
    try:
        return read(path)
    except ConfigurationError as error:
        raise ApprovalsError(error.message, at=error.at, hint=error.hint) from None


def _tables(document: Document) -> list[dict[str, Any]]:
    for key in document.values:
        if key != TABLE:
            raise _error(document, f"unknown key {key!r}; entries begin with [[{TABLE}]]", (key,))
    tables = document.values.get(TABLE, [])
    if not isinstance(tables, list) or not all(isinstance(each, dict) for each in tables):
        raise _error(document, f"expected entries that begin with [[{TABLE}]]", (TABLE,))
    return tables


def _entry(document: Document, table: dict[str, Any], number: int, policy: Policy) -> FileApproval:
    place = (TABLE, str(number))
    try:
        _check_keys(table)
        hazard = _hazard(table)
        return FileApproval(
            file=_file(table),
            statement=_checksum(table),
            hazard=hazard,
            reason=_reason(table, hazard, policy),
            approval=_approval(document, table, place),
        )
    except _Wrong as wrong:
        raise _error(document, str(wrong), place if wrong.key is None else (*place, wrong.key)) from None


def _approval(document: Document, table: dict[str, Any], place: tuple[str, ...]) -> Approval:
    at = document.place(place)
    return Approval(
        by=ApprovedIn.FILE,
        file=str(document.path),
        line=at.line if at else 1,
        column=at.column if at else 1,
        until=_day(table["until"]) if "until" in table else None,
        approved_by=_text(table, "approved_by") if "approved_by" in table else None,
    )


def _check_keys(table: dict[str, Any]) -> None:
    for key in table:
        if key not in _KEYS:
            near = get_close_matches(key, _KEYS, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_KEYS)}"
            raise _Wrong(f"unknown key {key!r}; {hint}", key)
    for key in ("file", "statement", "hazard"):
        if key not in table:
            raise _Wrong(f"the entry has no {key!r}")


def _text(table: dict[str, Any], key: str) -> str:
    written = table[key]
    if not isinstance(written, str) or not written.strip():
        raise _Wrong(f"{key}: expected a text that is not empty, not {written!r}", key)
    return written


def _reason(table: dict[str, Any], hazard: HazardKind, policy: Policy) -> str | None:
    if "reason" in table:
        return _text(table, "reason")
    if policy.asks_reason(hazard):
        raise _Wrong(f"an approval of {hazard} needs a reason")
    return None


def _file(table: dict[str, Any]) -> str:
    name = _text(table, "file")
    if Path(name).name != name:
        raise _Wrong(f"file: expected the name of a file of this folder, not {name!r}", "file")
    return name


def _checksum(table: dict[str, Any]) -> str:
    checksum = _text(table, "statement")
    if not _CHECKSUM.fullmatch(checksum):
        raise _Wrong("statement: expected the 64 digits that migrate plan prints", "statement")
    return checksum


def _hazard(table: dict[str, Any]) -> HazardKind:
    name = _text(table, "hazard")
    if name in {kind.value for kind in HazardKind}:
        return HazardKind(name)
    near = near_hazard(name)
    raise _Wrong(f"there is no hazard {name!r}" + (f"; {near}" if near else ""), "hazard")


def _day(written: object) -> str:
    if isinstance(written, date) and not isinstance(written, datetime):
        return written.isoformat()
    if not isinstance(written, str) or not _DAY.fullmatch(written):
        raise _Wrong(f"until: {written} is not a day; write YYYY-MM-DD", "until")
    try:
        return date.fromisoformat(written).isoformat()
    except ValueError:
        raise _Wrong(f"until: {written} is not a day", "until") from None


def _check_unique(entries: list[FileApproval]) -> None:
    seen: dict[tuple[str, str, HazardKind], FileApproval] = {}
    for entry in entries:
        first = seen.setdefault((entry.file, entry.statement, entry.hazard), entry)
        if first is not entry:
            raise ApprovalsError(
                f"{entry.hazard} of this statement is approved already, in line {first.approval.line}",
                at=_location(entry.approval),
                hint="keep one of the two",
            )


def _location(approval: Approval) -> Location:
    return Location(file=approval.file, line=approval.line, column=approval.column)


def _error(document: Document, message: str, key: tuple[str, ...]) -> ApprovalsError:
    place = document.place(key)
    return ApprovalsError(message if place else f"{document.path}: {message}", at=place)
