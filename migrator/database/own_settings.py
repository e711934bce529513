"""The session state and timeouts of a step that runs outside a transaction, where there is no SET LOCAL."""

from migrator.database import commands as sql
from migrator.database.workbench import Workbench
from migrator.plan.step import Step


def enter_session(bench: Workbench, step: Step) -> None:
    """Give the executing session the step's state and timeouts."""
    longest = int(step.timeouts.deadline_s * 1000)
    for name, limit in {
        "lock_timeout": step.timeouts.lock_ms or 0,
        "statement_timeout": step.timeouts.statement_ms or longest,
    }.items():
        bench.connection.execute("SELECT set_config(%s, %s, false)", (name, str(limit)))
    for command in sql.enter_session(step.session, local=False):
        bench.execute(command)


def leave_session(bench: Workbench) -> None:
    """Give the session its own state again; the runner lock stays, which DISCARD ALL would release."""
    bench.connection.execute("RESET ROLE")
    bench.connection.execute("RESET ALL")
    bench.connector.settle(bench.connection)
