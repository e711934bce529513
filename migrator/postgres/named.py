"""Things of a relation that are known by their names."""

from collections.abc import Iterable
from typing import TypeVar

from migrator.postgres.facts import Column, Constraint, Index, Trigger

Named = TypeVar("Named", Column, Constraint, Index, Trigger)


def replace_named(items: Iterable[Named], item: Named) -> tuple[Named, ...]:
    """Return `items` with `item` in place of the one of its name, or at the end."""
    kept = list(items)
    for position, old in enumerate(kept):
        if old.name == item.name:
            kept[position] = item
            return tuple(kept)
    kept.append(item)
    return tuple(kept)
