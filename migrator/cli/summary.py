"""What a run did and what it left: printed to standard output when it ends well."""

from migrator.cli.output import Styled, echo, one_line
from migrator.execution.journal import MigrationState
from migrator.execution.options import Outcome, RunResult

_COLORS = {MigrationState.APPLIED: "green", MigrationState.WAITING: "yellow"}


def show(result: RunResult) -> None:
    """Print a line for each migration, then what waits and how it goes on."""
    told = [outcome for outcome in result.outcomes if _worth_telling(outcome)]
    for outcome in told:
        word = str(outcome.state or "not begun")
        color = None if outcome.state is None else _COLORS.get(outcome.state)
        echo(Styled(f"{word:<9}", color), f"  {outcome.version}  {one_line(outcome.name)}{_details(outcome)}")
    if not told:
        echo("nothing to do: every migration is applied")
    _waiting(result)


def _worth_telling(outcome: Outcome) -> bool:
    settled = {MigrationState.APPLIED, MigrationState.BASELINED}
    return outcome.steps_run > 0 or outcome.state not in settled


def _details(outcome: Outcome) -> str:
    details = (
        [f"{outcome.steps_run} step{'s' if outcome.steps_run > 1 else ''} run"] if outcome.steps_run else []
    )
    if outcome.held_before is not None:
        details.append(f"stopped before {outcome.held_before}, as asked")
    if outcome.blocked_by is not None:
        shared = ", ".join(outcome.blocked_on) or "objects that are not known"
        details.append(f"{outcome.blocked_by} is unfinished and touches {shared} too")
    return f"  ({'; '.join(details)})" if details else ""


def _waiting(result: RunResult) -> None:
    if not result.waiting:
        return
    echo("\nwaiting for contract, until no running code needs what these steps take away:")
    for outcome in result.waiting:
        for step in outcome.waiting:
            echo(f"  {outcome.version}  step {step.id}  {step.title}")
    echo("then:")
    echo(f"  migrate contract {' '.join(outcome.version for outcome in result.waiting)}")
