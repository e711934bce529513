"""serial: a sequence with rights and an owner of its own; identity is the standard's form since 10.

A partitioned table is left alone below 17: partitions had no identity of their own there.
"""

from collections.abc import Iterator

from migrator.plan.hazard import HazardKind
from migrator.style.base import Advice, Scene, StyleCheck
from migrator.style.columns import about, new_columns

_IDENTITY_OF_PARTITIONS = 17


def _find(scene: Scene) -> Iterator[Advice]:
    old = scene.end.server_version.major < _IDENTITY_OF_PARTITIONS
    return about(
        (c for c in new_columns(scene) if c.type.serial and not (old and c.partitioned)),
        "serial leaves a default that anybody may overwrite, and a sequence that needs rights of its own",
        "GENERATED ALWAYS AS IDENTITY (BY DEFAULT where rows bring their own values)",
    )


PREFER_IDENTITY = StyleCheck(kind=HazardKind.PREFER_IDENTITY, find=_find)
