"""The loop of a run: decide, perform, record."""

from migrator.database.session import Connector
from migrator.execution.events import Observer
from migrator.execution.options import RunOptions, RunResult
from migrator.plan.plan import Plan
from migrator.policy import Policy


def run(
    connector: Connector, plan: Plan, policy: Policy, options: RunOptions, observer: Observer
) -> RunResult:
    """Carry out what is pending of `plan`, and go on with what has begun, with the plan it began with.

    `plan` may be empty (`migrate contract`). The journal is made if the database has none. Raises RunnerBusy,
    StoppedSafely (LockDeadline, ConnectionLost, Paused), StepFailed, DriftError, PreflightError,
    CannotConnect, Interrupted and Terminated; the journal then has everything that was done.
    """
    raise NotImplementedError
