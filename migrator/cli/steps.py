"""The steps that a run would do now: printed by --dry-run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from migrator.cli.output import Styled, echo, one_line
from migrator.plan.index_work import RebuildIndexes
from migrator.plan.partition_text import lines_of
from migrator.plan.step import (
    Autocommit,
    Backfill,
    BuildIndex,
    DetachPartition,
    DropIndex,
    PartitionConstraints,
    PartitionIndexes,
    Phase,
    Step,
    Transaction,
)
from migrator.postgres.passwords import sql_without_passwords

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from migrator.execution.options import RunOptions
    from migrator.plan.plan import Plan
    from migrator.workflow import Agenda


class Named(Protocol):
    """A migration, planned or begun."""

    @property
    def version(self) -> str:
        """Its version."""

    @property
    def name(self) -> str:
        """Its name."""


def steps_now(agenda: Agenda, options: RunOptions) -> list[tuple[Named, Sequence[Step]]]:
    """Return what a run with these options would do: first what has begun, then what is pending."""
    from migrator.workflow import remaining

    todo: list[tuple[Named, Sequence[Step]]] = []
    for record in agenda.unfinished:
        steps = remaining(record, agenda.plan_of(record))
        todo.append((record, [s for s in steps if _asked_for(s, options)]))
    for migration in agenda.pending.migrations:
        if not agenda.is_held_back(migration.version):
            steps = agenda.pending.steps_of(migration.version)
            todo.append((migration, [s for s in steps if _asked_for(s, options)]))
    return [(migration, steps) for migration, steps in todo if steps]


def _asked_for(step: Step, options: RunOptions) -> bool:
    if step.phase is Phase.CONTRACT:
        return options.may_contract(step.migration)
    return step.phase in options.phases


def rendered(plan: Plan) -> str:
    """Return the report of a plan."""
    from migrator.reports.text import render

    return sql_without_passwords(render(plan))


def show_steps(migrations: Iterable[tuple[Named, Sequence[Step]]]) -> None:
    """Print each migration with its steps, and the SQL of each as it will be sent."""
    shown = [(migration, steps) for migration, steps in migrations if steps]
    for migration, steps in shown:
        echo(Styled(f"{migration.version}  {one_line(migration.name)}", bold=True))
        for step in steps:
            echo(f"  {step.id:<6}{step.phase:<10}{step.title}")
            for statement in sql_of(step):
                lines = f"{sql_without_passwords(statement)};".splitlines()
                echo("".join(f"      {line}\n" for line in lines), nl=False)
    if not shown:
        echo("nothing to do")


def sql_of(step: Step) -> tuple[str, ...]:
    """Return what a person should read of a step: of a backfill the statement of one window."""
    match step.work:
        case Transaction(statements=statements, acquire=acquire):
            return (*(f"LOCK TABLE {a.relation.quoted} IN {a.mode} MODE" for a in acquire), *statements)
        case Autocommit(sql=sql) | DetachPartition(sql=sql):
            return (sql,)
        case BuildIndex(sql=sql) | DropIndex(sql=sql) | RebuildIndexes(sql=sql):
            return (sql,)
        case Backfill() as walk:
            return (*walk.prepare_sql, walk.update_sql, *walk.finish_sql)
        case PartitionIndexes() | PartitionConstraints() as each:
            return lines_of(each)
