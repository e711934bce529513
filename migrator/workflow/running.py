"""The runner, told how to show what other sessions run: it may not read SQL itself."""

from msgspec.structs import replace

from migrator import runner
from migrator.database.session import Connector
from migrator.execution.events import Observer
from migrator.execution.options import RunOptions, RunResult
from migrator.plan.plan import Plan
from migrator.policy import Policy
from migrator.sql.masking import masked


def run(
    connector: Connector, plan: Plan, policy: Policy, options: RunOptions, observer: Observer
) -> RunResult:
    """Carry out what is pending of `plan`; raises as `runner.run` does."""
    shown = replace(options, show=masked) if policy.mask_queries else options
    return runner.run(connector, plan, policy, shown, observer)
