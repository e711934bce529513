"""Readers of the section [policy]: weights, groups, ignores, and where approvals stand.

Each takes what was written and returns what is meant, or raises ValueError with what was expected; Misplaced
says in addition where in the setting the trouble is.
"""

from __future__ import annotations

import enum
from difflib import get_close_matches

from migrator.configuration import values
from migrator.plan.hazard import HazardKind, Severity
from migrator.plan.hazard_groups import ADVICE, HazardGroup, members
from migrator.policy import Ignore

Weights = tuple[tuple[HazardKind, Severity | None], ...]

OFF = "off"


class ApprovalsIn(enum.StrEnum):
    """Where the approval of a hazard that stops a run has to stand."""

    DIRECTIVES = "directives"
    """In the SQL file, before the statement."""
    FILE = "file"
    """In approvals.toml beside the migration files; directives ask for it."""


class Misplaced(ValueError):
    """A value inside a setting is wrong: `within` are the keys that lead to it."""

    def __init__(self, message: str, *within: str) -> None:
        super().__init__(message)
        self.within = within


def approvals(written: object) -> ApprovalsIn:
    """Read where approvals stand."""
    if isinstance(written, str) and written in {each.value for each in ApprovalsIn}:
        return ApprovalsIn(written)
    raise ValueError(f"expected one of {', '.join(ApprovalsIn)}, not {written!r}")


def reasons(written: object) -> bool | tuple[HazardKind, ...]:
    """Read whether approvals need a reason: true, false, or the hazards and groups whose approvals do."""
    if isinstance(written, list):
        return kinds(written)
    try:
        return values.flag(written)
    except ValueError:
        if isinstance(written, str):
            return kinds(written.split(","))
        raise ValueError(f"expected true, false, or a list of hazards and groups, not {written!r}") from None


def kinds(written: object) -> tuple[HazardKind, ...]:
    """Read a list of hazards and groups."""
    if not isinstance(written, list) or not written:
        raise ValueError(f"expected a list of hazards or groups, not {written!r}")
    found = [kind for name in written for kind in members(values.text(name).strip())]
    return tuple(dict.fromkeys(found))


def weights(written: object) -> Weights:
    """Read a table of hazards, or groups, and what they weigh; a hazard wins over its group."""
    if not isinstance(written, dict):
        raise ValueError(f"expected a table such as {{ style = 'warning' }}, not {written!r}")  # noqa: TRY004  # one error for all readers
    groups = {group.value for group in HazardGroup}
    ordered = sorted(written.items(), key=lambda item: item[0] not in groups)
    return tuple(pair for name, value in ordered for pair in _weight(name, value))


def _weight(name: str, written: object) -> Weights:
    try:
        found = members(name)
        weight = _severity(written)
    except ValueError as error:
        raise Misplaced(str(error), name) from None
    guarded = [kind for kind in found if kind not in ADVICE]
    if weight is not Severity.ERROR and guarded:
        raise Misplaced(_guarded(name, guarded, [kind for kind in found if kind in ADVICE]), name)
    return tuple((kind, weight) for kind in found)


def _guarded(name: str, guarded: list[HazardKind], free: list[HazardKind]) -> str:
    """Say what cannot be made lighter; of a group, what can."""
    why = "approve the statement that is meant"
    if len(guarded) == 1 and name == guarded[0]:
        return f"{name} cannot be made lighter or turned off: {why}"
    others = f"; these can be set one by one: {', '.join(free)}" if free else ""
    return f"of {name}, {', '.join(guarded)} cannot be made lighter or turned off: {why}{others}"


def _severity(written: object) -> Severity | None:
    if written == OFF:
        return None
    if isinstance(written, str) and written in {each.value for each in Severity}:
        return Severity(written)
    raise ValueError(f"expected one of {OFF}, {', '.join(Severity)}, not {written!r}")


def ignores(written: object) -> tuple[Ignore, ...]:
    """Read the tables [[policy.ignores]]."""
    if not isinstance(written, list) or not all(isinstance(each, dict) for each in written):
        raise ValueError("expected tables: [[policy.ignores]] with paths, hazards and reason")
    return tuple(_ignore(each, str(number)) for number, each in enumerate(written))


_IGNORE_KEYS = ("paths", "hazards", "reason")


def _ignore(table: dict[str, object], number: str) -> Ignore:
    for key in table:
        if key not in _IGNORE_KEYS:
            near = get_close_matches(key, _IGNORE_KEYS, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(_IGNORE_KEYS)}"
            raise Misplaced(f"unknown key {key!r}{hint}", number, key)
    for key in _IGNORE_KEYS:
        if key not in table:
            raise Misplaced(f"an entry of policy.ignores needs {key!r}", number)
    return Ignore(
        paths=_paths(table["paths"], number),
        hazards=_ignored(table["hazards"], number),
        reason=_within(table["reason"], number, "reason"),
    )


def _paths(written: object, number: str) -> tuple[str, ...]:
    listed = [written] if isinstance(written, str) else written
    if not isinstance(listed, list) or not listed:
        raise Misplaced(f"expected a list of patterns, not {written!r}", number, "paths")
    return tuple(_within(each, number, "paths") for each in listed)


def _within(written: object, number: str, key: str) -> str:
    try:
        return values.text(written)
    except ValueError as error:
        raise Misplaced(str(error), number, key) from None


def _ignored(written: object, number: str) -> tuple[HazardKind, ...]:
    listed = [written] if isinstance(written, str) else written
    try:
        found = kinds(listed)
    except ValueError as error:
        raise Misplaced(str(error), number, "hazards") from None
    guarded = [kind for kind in found if kind not in ADVICE]
    if guarded:
        message = f"{', '.join(guarded)} cannot be ignored: approve the statement that is meant"
        raise Misplaced(message, number, "hazards")
    return found
