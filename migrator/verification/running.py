"""The plan carried out by the runner, all phases; where it is refused, the last measurement says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from migrator.database.session import Connector
from migrator.errors import MigrateError
from migrator.execution import events
from migrator.execution.options import RunOptions
from migrator.plan.proof import Measurement
from migrator.runner import run
from migrator.workflow.provenance import provenance

if TYPE_CHECKING:
    from migrator.execution.events import Event
    from migrator.plan.plan import Plan
    from migrator.policy import Policy


def run_plan(url: str, plan: Plan, policy: Policy) -> tuple[Measurement, ...]:
    """Carry out the plan, contract included."""
    noted = _Noting()
    versions = frozenset(migration.version for migration in plan.migrations)
    before = RunOptions(provenance=provenance(), wait_s=0)
    contract = RunOptions(provenance=provenance(), wait_s=0, contract=versions, only=versions)
    connector = Connector(conninfo=url)
    try:
        run(connector, plan, policy, before, noted)
        run(connector, plan, policy, contract, noted)
    except MigrateError as error:
        noted.refused(error.message)
    return tuple(noted.measurements)


class _Noting:
    """An observer that notes how long each step took."""

    def __init__(self) -> None:
        self.measurements: list[Measurement] = []
        self.open: events.StepStarted | None = None

    def event(self, event: Event) -> None:
        match event:
            case events.StepStarted():
                self.open = event
            case events.StepFinished(step=step, seconds=seconds):
                self.open = None
                self._note(step.migration, step.id, step.title, seconds, None)
            case _:
                pass

    def refused(self, reason: str) -> None:
        """Note the step that was refused."""
        if self.open is not None:
            step = self.open.step
            self._note(step.migration, step.id, step.title, 0.0, reason)
        else:
            self._note("", "", "the run", 0.0, reason)

    def _note(self, version: str, step: str, title: str, seconds: float, error: str | None) -> None:
        began = sum(done.seconds for done in self.measurements)
        self.measurements.append(
            Measurement(migration=version, id=step, title=title, began_s=began, seconds=seconds, error=error)
        )
