"""The steps that a run would do now: printed by --dry-run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from migrator.cli.output import Styled, echo, one_line
from migrator.plan.step import Phase, Step
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
    from migrator.reports.text import work_sql

    shown = [(migration, steps) for migration, steps in migrations if steps]
    for migration, steps in shown:
        echo(Styled(f"{migration.version}  {one_line(migration.name)}", bold=True))
        for step in steps:
            echo(f"  {step.id:<6}{step.phase:<10}{step.title}")
            for statement in work_sql(step.work):
                lines = f"{sql_without_passwords(statement)};".splitlines()
                echo("".join(f"      {line}\n" for line in lines), nl=False)
    if not shown:
        echo("nothing to do")
