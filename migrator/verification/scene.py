"""What the stages of one verification share."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from migrator.plan.plan import Plan
from migrator.postgres.facts import Facts
from migrator.shadow.workspace import Workspace
from migrator.verification.request import Request


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """The database before the change, and the plan that was made for it."""

    space: Workspace
    request: Request
    before: str
    """The URL of the database before the change, without generated rows."""
    facts: Facts
    plan: Plan
    tell: Callable[[str], None]
    """Hears what is going on."""
