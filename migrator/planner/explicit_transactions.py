"""BEGIN … COMMIT of a file where nothing is live: kept as one step, text for text.

It may assume one group of items for each statement of the file. A transaction that is not closed, or that
holds what cannot run in one, is left to fail on the server as the file itself would.
"""

import msgspec

from migrator.operations.base import Context
from migrator.operations.liveness import live
from migrator.operations.session import TIMEOUTS
from migrator.operations.transaction_settings import SET_TRANSACTION
from migrator.plan.step import Transaction
from migrator.planner.lock_classes import union
from migrator.planner.phases import Item
from migrator.sql.migration import Migration, Statement
from migrator.sql.syntax import KnownForm, SetVariable, TransactionControl

Groups = list[tuple[Item, ...]]


class _Range(msgspec.Struct, frozen=True, kw_only=True):
    """0-based positions of BEGIN and COMMIT."""

    begin: int
    commit: int


def joined(groups: Groups, migration: Migration, context: Context) -> Groups:
    """Return the groups with each transaction of the file as one step."""
    if live(context):
        return groups
    result = list(groups)
    for part in _ranges(migration):
        inside = [item for group in groups[part.begin : part.commit + 1] for item in group]
        if not inside or not all(isinstance(item.step.work, Transaction) for item in inside):
            continue
        for position in range(part.begin, part.commit + 1):
            result[position] = ()
        result[part.begin] = (_one(inside, part, migration),)
    return result


def _ranges(migration: Migration) -> list[_Range]:
    found, begin = [], None
    for position, statement in enumerate(migration.statements):
        command = statement.command
        if not isinstance(command, TransactionControl):
            continue
        if command.kind == "BEGIN" and begin is None:
            begin = position
        elif command.kind == "COMMIT" and begin is not None:
            found.append(_Range(begin=begin, commit=position))
            begin = None
    return found


def _one(inside: list[Item], part: _Range, migration: Migration) -> Item:
    first = inside[0].step
    statements = migration.statements[part.begin + 1 : part.commit]
    begin = migration.statements[part.begin]
    step = msgspec.structs.replace(
        first,
        id=f"{part.begin + 1}.1",
        statement=part.begin + 1,
        line=begin.at.line,
        column=begin.at.column,
        title=f"BEGIN … COMMIT: {len(inside)} statements",
        work=Transaction(statements=tuple(s.text for s in statements if _carried(s))),
        effect=union(tuple(item.step.effect for item in inside)),
        operation="transaction-control",
        undo=tuple(sql for item in reversed(inside) for sql in item.step.undo),
        diagnoses=tuple(diagnosis for item in inside for diagnosis in item.step.diagnoses),
        commutes=False,
    )
    relations = frozenset(name for item in inside for name in item.relations)
    return Item(step=step, relations=relations, wild=True)


def _carried(statement: Statement) -> bool:
    match statement.command:
        case SetVariable(name=name):
            return name.lower() not in TIMEOUTS
        case KnownForm(kind=kind):
            return kind != SET_TRANSACTION
        case _:
            return True
