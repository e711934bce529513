"""A default that is kept until contract: what later statements of the file wait for it to go.

Frameworks add a column with a default and drop the default in the next statement. The default stays until
contract, so that code which does not know the column can go on inserting; an index on the column, or
another column of the table, need not wait for that. What a tool notes of itself comes last all the same.
"""

from migrator.operations.bookkeeping import keeps_books
from migrator.sql.syntax import (
    AddColumn,
    AddConstraint,
    AlterTable,
    Command,
    CreateIndex,
    CreateTable,
    Delete,
    DropDefault,
    DropNotNull,
    Insert,
    SetNotNull,
    Update,
    ValidateConstraint,
)


def kept_columns(command: Command) -> frozenset[str]:
    """Return the columns whose default the statement drops, where it does nothing else."""
    if not isinstance(command, AlterTable):
        return frozenset()
    dropped = [action.column for action in command.actions if isinstance(action, DropDefault)]
    return frozenset(dropped) if len(dropped) == len(command.actions) else frozenset()


def indifferent(command: Command, columns: frozenset[str]) -> bool:
    """Whether a later statement does the same while these columns still have their default.

    Where it is not sure the answer is no.
    """
    if keeps_books(command):
        return False
    match command:
        case AlterTable(actions=actions):
            return all(_action_is_indifferent(action, columns) for action in actions)
        case CreateTable(query=query, like=like):
            return query is None and not like
        case CreateIndex() | Insert() | Delete():
            return True
        case Update(set_clause=changes):
            return "default" not in changes.text.lower()
        case _:
            return False


def _action_is_indifferent(action: object, columns: frozenset[str]) -> bool:
    match action:
        case AddColumn(column=added):
            return added.name not in columns
        case SetNotNull() | DropNotNull() | AddConstraint() | ValidateConstraint():
            return True
        case _:
            column = getattr(action, "column", None)
            return isinstance(column, str) and column not in columns
