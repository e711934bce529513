"""What is known of the forms that have no safe sequence of their own (yet): a row of the catalogue for each.

Pure data, keyed by the words of the form; `other_form` decides by it, docs/operations/other-form.md shows
it.
"""

import enum

import msgspec

from migrator.postgres.lock_modes import LockMode

AX = LockMode.ACCESS_EXCLUSIVE
SRX = LockMode.SHARE_ROW_EXCLUSIVE
SUX = LockMode.SHARE_UPDATE_EXCLUSIVE
S = LockMode.SHARE


class Work(enum.Enum):
    """What is done under the lock."""

    NONE = "catalog only"
    SCAN = "scan"
    REWRITE = "rewrite"
    INDEX = "index build"


class Verdict(enum.Enum):
    """What a plan makes of it where something is live."""

    FREE = "runs as written"
    BREAKS = "needs approval: running code breaks"
    DESTROYS = "needs approval: data is lost"
    REFUSED = "needs approval: no safe sequence yet"


class Form(msgspec.Struct, frozen=True):
    """One row."""

    row: str
    """Of the catalogue."""
    lock: LockMode | None
    work: Work
    verdict: Verdict
    reason: str
    """Why it is dangerous, after the name of the relation; what it is good for, where it is free."""
    instead: str | None = None
    breaks: bool = False
    """Besides having no safe sequence, it certainly breaks running code."""
    destroys: bool = False
    """Besides having no safe sequence, it destroys data."""


NONE, SCAN, REWRITE, INDEX = Work
FREE, BREAKS, DESTROYS, REFUSED = Verdict

UNKNOWN = Form("-", AX, REWRITE, REFUSED, "is locked by a form whose work under the lock is not known")
