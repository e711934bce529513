"""json: text that is read anew for every query, without an equality and without indexes."""

from collections.abc import Iterator

from migrator.plan.hazard import HazardKind
from migrator.style.base import Advice, Scene, StyleCheck
from migrator.style.columns import about, new_columns


def _find(scene: Scene) -> Iterator[Advice]:
    return about(
        (column for column in new_columns(scene) if column.is_of("json")),
        "json has no equality, so DISTINCT, GROUP BY and UNION fail, and no index reaches into it",
        "jsonb; json only where white space and the order of keys have to stay",
    )


PREFER_JSONB = StyleCheck(kind=HazardKind.PREFER_JSONB, find=_find)
