"""timestamp without time zone: a reading of a clock that does not say which."""

from collections.abc import Iterator

from migrator.plan.hazard import HazardKind
from migrator.style.base import Advice, Scene, StyleCheck
from migrator.style.columns import about, new_columns


def _find(scene: Scene) -> Iterator[Advice]:
    return about(
        (column for column in new_columns(scene) if column.is_of("timestamp")),
        "without a time zone the value is no moment: what it means depends on who wrote it",
        "timestamptz, which takes no more room",
    )


PREFER_TIMESTAMPTZ = StyleCheck(kind=HazardKind.PREFER_TIMESTAMPTZ, find=_find)
