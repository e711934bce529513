"""The fill triggers of an UPDATE of the same file, as far as later statements have to do with them.

A fill trigger keeps new and changed rows right until contract. It is found in the folded facts by its name
and by the columns that it fills.
"""

from migrator.postgres.facts import Relation, Trigger

PREFIX = "zz_migrator_fill_"


def of_column(relation: Relation | None, column: str) -> tuple[Trigger, ...]:
    """Return the fill triggers of a column and no other."""
    triggers = () if relation is None else relation.triggers
    return tuple(t for t in triggers if t.name.startswith(PREFIX) and t.fills == (column,))
