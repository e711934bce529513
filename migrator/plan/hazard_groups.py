"""Groups of hazards: a group stands for its members wherever a setting names a hazard.

Every hazard is in exactly one group. An approval names one hazard, never a group.
"""

from __future__ import annotations

import enum
from difflib import get_close_matches

from migrator.plan.hazard import HazardKind


class HazardGroup(enum.StrEnum):
    """Closed list; each value is what the configuration takes."""

    LOCKS = "locks"
    """The application waits."""
    DATA = "data"
    """Rows are lost, or are not what they should be."""
    COMPATIBILITY = "compatibility"
    """Code that runs fails."""
    OBJECTS = "objects"
    """Names and objects that are taken, missing or in the way."""
    UNSUPPORTED = "unsupported"
    """Not understood, or nothing safe is known."""
    APPROVALS = "approvals"
    """Of the approvals themselves."""
    STYLE = "style"
    """Advice on new and changed objects, off by default."""


_K = HazardKind

MEMBERS: dict[HazardGroup, tuple[HazardKind, ...]] = {
    HazardGroup.LOCKS: (
        _K.TABLE_REWRITE,
        _K.SCAN_UNDER_LOCK,
        _K.INDEX_BUILD_BLOCKS_WRITES,
        _K.INDEX_DROP_BLOCKS,
        _K.WHOLE_TABLE_UPDATE,
        _K.UNINDEXED_FOREIGN_KEY,
        _K.EXPLICIT_TRANSACTION,
        _K.HOLDS_BACK_VACUUM,
    ),
    HazardGroup.DATA: (
        _K.DATA_LOSS,
        _K.UPDATE_NOT_BATCHABLE,
        _K.EXISTING_COLUMN_BACKFILL,
        _K.MAY_FAIL_ON_DATA,
        _K.CAST_MAY_FAIL,
        _K.INHERITANCE_CHILDREN,
        _K.REPLICA_IDENTITY_MISSING,
        _K.COLLATION_VERSION_MISMATCH,
    ),
    HazardGroup.COMPATIBILITY: (
        _K.BREAKS_RUNNING_CODE,
        _K.NOT_NULL_WITHOUT_DEFAULT,
        _K.MAY_BREAK_WRITERS,
    ),
    HazardGroup.OBJECTS: (
        _K.NAME_TAKEN,
        _K.MISSING_OBJECT,
        _K.DEPENDENT_OBJECTS,
        _K.EXTENSION_OWNED,
        _K.DUPLICATE_FOREIGN_KEY,
    ),
    HazardGroup.UNSUPPORTED: (
        _K.OPAQUE_STATEMENT,
        _K.NO_SAFE_SEQUENCE,
        _K.SESSION_SETTING,
    ),
    HazardGroup.APPROVALS: (
        _K.UNUSED_DIRECTIVE,
        _K.MISSING_REASON,
        _K.EXPIRED_APPROVAL,
        _K.STALE_APPROVAL,
    ),
    HazardGroup.STYLE: (
        _K.PREFER_TEXT,
        _K.PREFER_BIGINT_KEY,
        _K.PREFER_TIMESTAMPTZ,
        _K.PREFER_IDENTITY,
        _K.PREFER_JSONB,
        _K.AVOID_MONEY,
        _K.ROUNDED_TIMESTAMP,
        _K.FOREIGN_KEY_WITHOUT_INDEX,
        _K.TABLE_WITHOUT_KEY,
        _K.ROW_SECURITY_WITHOUT_POLICY,
        _K.CONSTRAINT_LEFT_UNVALIDATED,
        _K.NAME_NEEDS_QUOTES,
        _K.NAME_TOO_LONG,
    ),
}

STYLE = frozenset(MEMBERS[HazardGroup.STYLE])

ADVICE = STYLE | {
    _K.INDEX_DROP_BLOCKS,
    _K.UNINDEXED_FOREIGN_KEY,
    _K.EXPLICIT_TRANSACTION,
    _K.HOLDS_BACK_VACUUM,
    _K.MAY_FAIL_ON_DATA,
    _K.CAST_MAY_FAIL,
    _K.COLLATION_VERSION_MISMATCH,
    _K.MAY_BREAK_WRITERS,
    _K.DUPLICATE_FOREIGN_KEY,
    _K.UNUSED_DIRECTIVE,
    _K.EXPIRED_APPROVAL,
    _K.STALE_APPROVAL,
}
"""Hazards that may be made lighter, turned off and ignored by path: all that never need an approval.

Where one of these is an error of its own accord (wrong input), it stays one whatever the settings say. The
others are what keeps data from being lost, running code from breaking and text from being misread: their
only way past is an approval of one statement.
"""


def members(name: str) -> tuple[HazardKind, ...]:
    """Return the hazard of that name, or all of the group; ValueError names what is near."""
    if name in {kind.value for kind in HazardKind}:
        return (HazardKind(name),)
    if name in {group.value for group in HazardGroup}:
        return MEMBERS[HazardGroup(name)]
    known = [*map(str, HazardKind), *map(str, HazardGroup)]
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    groups = ", ".join(HazardGroup)
    advice = f"did you mean {' or '.join(near)}?" if near else f"the groups are {groups}"
    raise ValueError(f"there is no hazard or group {name!r}; {advice} (migrate explain lists the hazards)")


def near_hazard(name: str) -> str | None:
    """Return what to say to whoever wrote `name` where a hazard has to stand; None: nothing is near."""
    if name in {group.value for group in HazardGroup}:
        return f"{name} is a group; an approval names the one hazard that it accepts"
    near = get_close_matches(name, [kind.value for kind in HazardKind], n=1)
    return f"did you mean {near[0]}?" if near else None


def group_of(kind: HazardKind) -> HazardGroup:
    """Return the group that the hazard is in."""
    return next(group for group, kinds in MEMBERS.items() if kind in kinds)
