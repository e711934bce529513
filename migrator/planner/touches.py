"""What a file touches: the relations of its statements, the views over them, the partitions below them."""

from collections.abc import Iterable

from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import QualifiedName


def with_dependents(names: Iterable[QualifiedName], facts: Facts) -> tuple[QualifiedName, ...]:
    """Return the names, each followed by its dependents, partitions and children, at whatever depth."""
    found: dict[QualifiedName, None] = {}
    waiting = list(names)
    while waiting:
        name = waiting.pop(0)
        if name in found:
            continue
        found[name] = None
        relation = facts.relation(name)
        if relation is not None:
            waiting += [*relation.dependents, *relation.partitions, *relation.children]
    return tuple(found)
