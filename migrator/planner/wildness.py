"""Statements that depend on more than the relations that they name: no step is moved across them."""

from migrator.operations.base import Context
from migrator.sql.syntax import (
    CreateExtension,
    CreateFunction,
    CreateTable,
    CreateTrigger,
    CreateView,
    Delete,
    Grant,
    Insert,
    KnownForm,
    Opaque,
    Select,
    Update,
)


def wild(context: Context) -> bool:
    """Whether the statement may read, call or change what it does not name."""
    match context.statement.command:
        case Opaque() | Select() | Update() | Delete() | CreateFunction() | CreateView() | CreateTrigger():
            return True
        case CreateExtension():
            return True
        case CreateTable(query=query):
            return query is not None
        case Grant(relations=relations) | KnownForm(relations=relations):
            return not relations
        case Insert():
            return _fires(context)
        case _:
            return False


def _fires(context: Context) -> bool:
    """Whether an INSERT reads elsewhere, or may call a trigger that does."""
    command = context.statement.command
    if not isinstance(command, Insert) or not command.values_only:
        return True
    relation = context.relation(command.table)
    return relation is None or bool(relation.triggers or relation.rules)
