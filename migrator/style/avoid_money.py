"""money: its digits depend on a setting of the database, and it has no currency."""

from collections.abc import Iterator

from migrator.plan.hazard import HazardKind
from migrator.style.base import Advice, Scene, StyleCheck
from migrator.style.columns import about, new_columns


def _find(scene: Scene) -> Iterator[Advice]:
    return about(
        (column for column in new_columns(scene) if column.is_of("money")),
        "lc_monetary decides how money is read and rounded, and another server may have another one",
        "numeric, with the currency in a column of its own",
    )


AVOID_MONEY = StyleCheck(kind=HazardKind.AVOID_MONEY, find=_find)
