"""CREATE TABLE … AS: a query that reads as long as it takes, into a table that nobody knows yet.

Which tables it reads is told from the words of the query: one too many makes a plan more careful, never
less.
"""

import msgspec

from migrator.operations.base import Context
from migrator.operations.hazards import warning
from migrator.operations.index_build import LARGE_ROWS
from migrator.operations.liveness import endangered, live, rows_at_most
from migrator.operations.steps import approved_timeouts
from migrator.plan.hazard import Hazard, HazardKind
from migrator.plan.step import Phase, Step
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName, quote
from migrator.sql.syntax import Slice
from migrator.sql.tokens import scan


def read_by(query: Slice, context: Context) -> tuple[QualifiedName, ...]:
    """Return the tables whose names stand in the query."""
    text = query.text
    words = {token.value or text[token.start : token.end] for token in scan(text)}
    found = [r for r in context.facts.relations if r.is_table and {r.name.name, quote(r.name.name)} & words]
    return tuple(sorted((relation.name for relation in found), key=str))


def unhurried(step: Step, query: Slice, context: Context) -> Step:
    """Return the step without a limit of time, after the quick ones where it reads a large table."""
    relations = [context.facts.relation(name) for name in read_by(query, context)]
    slow = live(context) and (not relations or any(endangered(relation, context) for relation in relations))
    phase = Phase.VALIDATE if slow else step.phase
    return msgspec.structs.replace(step, timeouts=approved_timeouts(context), phase=phase)


def hazards(query: Slice, name: QualifiedName, context: Context) -> tuple[Hazard, ...]:
    """Return what a long query costs others."""
    relations = [context.facts.relation(table) for table in read_by(query, context)]
    large = [r for r in relations if r is not None and endangered(r, context) and _large(r, context)]
    if not large:
        return ()
    shown = ", ".join(str(relation.name) for relation in large)
    message = (
        f"{name} is filled from {shown} in one transaction: until it ends vacuum removes no row version, and "
        "rows that are written meanwhile are not in it"
    )
    instead = "create the table empty and fill it in parts if the rows are many"
    return (warning(HazardKind.HOLDS_BACK_VACUUM, message, instead, large[0].name, "catalogue 185"),)


def _large(relation: Relation, context: Context) -> bool:
    rows = rows_at_most(relation, context.facts)
    return rows is None or rows >= LARGE_ROWS
