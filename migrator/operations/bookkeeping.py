"""What Alembic writes down for itself: UPDATE, INSERT and DELETE of `alembic_version`.

What it does
    Says which revision the database is at. The table has one row for each head.

Why it is dangerous
    It is not, but it is an UPDATE of a table of which nothing may be known.

What is done instead
    It runs as written, and raises nothing. It is the last statement of a revision and waits, like any
    UPDATE, until everything before it is done: with steps in contract it is one of them.

Source
    Alembic's documentation, "Generating SQL Scripts (a.k.a. Offline Mode)".
"""

from migrator.operations.base import Context, Operation, Outcome, Subject
from migrator.operations.steps import as_written
from migrator.plan.effect import Effect, RelationLock
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode
from migrator.sql.syntax import Delete, Insert, Update

VERSION_TABLE = "alembic_version"


class _Bookkeeping:
    """Three statements, one operation."""

    name = "bookkeeping"

    def matches(self, subject: Subject, context: Context) -> bool:  # noqa: ARG002  # as Operation asks
        """Whether the statement writes to the version table."""
        return keeps_books(subject)

    def plan(self, subject: Subject, context: Context) -> Outcome:
        """Return the statement as it is."""
        table = context.resolve(_table(subject))
        effect = Effect(locks=(RelationLock(table, LockMode.ROW_EXCLUSIVE),))
        return Outcome(
            operation=self.name,
            effect=effect,
            steps=(as_written(context, f"{type(subject).__name__.upper()} {table}", effect),),
            facts=context.facts,
            touches=(table,),
            as_written=True,
        )


def keeps_books(subject: object) -> bool:
    """Whether a statement is only Alembic's own note."""
    return isinstance(subject, Update | Insert | Delete) and subject.table.name == VERSION_TABLE


def _table(subject: Subject) -> QualifiedName:
    if not isinstance(subject, Update | Insert | Delete):
        raise TypeError(type(subject).__name__)
    return subject.table


BOOKKEEPING: Operation = _Bookkeeping()
