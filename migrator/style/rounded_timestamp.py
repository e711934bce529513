"""timestamp(0) and timestamptz(0): rounded, not cut, so that a value may lie half a second in the future."""

from collections.abc import Iterator

from migrator.plan.hazard import HazardKind
from migrator.style.base import Advice, Scene, StyleCheck
from migrator.style.columns import about, new_columns


def _find(scene: Scene) -> Iterator[Advice]:
    stamps = (column for column in new_columns(scene) if column.is_of("timestamp", "timestamptz"))
    return about(
        (column for column in stamps if column.type.modifiers == ("0",)),
        "a precision of 0 rounds up to the next second: now() is stored as a moment that has not come",
        "timestamptz without a precision, and date_trunc('second', …) where whole seconds are wanted",
    )


ROUNDED_TIMESTAMP = StyleCheck(kind=HazardKind.ROUNDED_TIMESTAMP, find=_find)
