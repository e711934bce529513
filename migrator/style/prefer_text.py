"""varchar(n) and char(n): a limit that is changed sooner or later, and costs as much as text."""

from collections.abc import Iterator

from migrator.plan.hazard import HazardKind
from migrator.style.base import Advice, Scene, StyleCheck
from migrator.style.columns import about, follows_partner, new_columns


def _find(scene: Scene) -> Iterator[Advice]:
    limited = (c for c in new_columns(scene) if c.is_of("varchar", "bpchar") and c.type.modifiers)
    return about(
        (column for column in limited if not follows_partner(column, scene)),
        "a limit of the type saves nothing, and lowering or raising it later is a change of the table",
        "text; where the length matters, with CHECK (length(column) <= n)",
    )


PREFER_TEXT = StyleCheck(kind=HazardKind.PREFER_TEXT, find=_find)
