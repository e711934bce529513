"""The fill triggers of an UPDATE of the same file, as far as later statements have to do with them.

A fill trigger keeps new and changed rows right until its column is NOT NULL. It is found in the folded
facts by its name and by the columns that it fills.
"""

from migrator.operations import folding
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.postgres.facts import Facts, Relation, Trigger
from migrator.postgres.identifiers import QualifiedName

PREFIX = "zz_migrator_fill_"


def of_column(relation: Relation | None, column: str) -> tuple[Trigger, ...]:
    """Return the fill triggers of a column and no other."""
    triggers = () if relation is None else relation.triggers
    return tuple(t for t in triggers if t.name.startswith(PREFIX) and t.fills == (column,))


def dropping(relation: Relation | None, column: str) -> tuple[Sql, ...]:
    """Return the statements that drop the fill triggers of a column, and their functions."""
    if relation is None:
        return ()
    found = of_column(relation, column)
    triggers = [ddl.drop_trigger(trigger.name, relation.name) for trigger in found]
    functions = [ddl.drop_function(trigger.function) for trigger in found if trigger.function is not None]
    return (*triggers, *functions)


def without(facts: Facts, table: QualifiedName, column: str) -> Facts:
    """Facts without the fill triggers of a column."""
    for trigger in of_column(facts.relation(table), column):
        facts = folding.without_trigger(facts, table, trigger.name)
    return facts
