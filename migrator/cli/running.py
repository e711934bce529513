"""What `apply` and `contract` share: the question, the signals, the display, the summary."""

from collections.abc import Callable

import msgspec

from migrator.cli import summary
from migrator.cli.confirm import confirm
from migrator.cli.invocation import current
from migrator.cli.progress import display
from migrator.cli.signals import stopping
from migrator.execution.events import Observer
from migrator.execution.options import WITHOUT_CONTRACT, RunOptions, RunResult
from migrator.execution.stop import StopRequest
from migrator.plan.step import Phase
from migrator.workflow.provenance import provenance

Action = Callable[[RunOptions, Observer], RunResult]


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the options of the command ask for."""

    phases: frozenset[Phase] = WITHOUT_CONTRACT
    contract: frozenset[str] = frozenset()
    all_phases: bool = False
    to_version: str | None = None
    wait_s: float = 600.0
    yes: bool = False

    def options(self, stop: StopRequest | None = None) -> RunOptions:
        """Return the options of the run."""
        return RunOptions(
            provenance=provenance(),
            phases=self.phases,
            contract=self.contract,
            all_phases=self.all_phases,
            to_version=self.to_version,
            wait_s=self.wait_s,
            stop=stop or StopRequest(),
        )


def perform(action: Action, request: Request, *, what: str, where: str) -> None:
    """Ask if need be, run `action`, and print what became of it."""
    confirm(what, where, yes=request.yes)
    with display(current()) as shown, stopping(StopRequest(), shown.say) as stop:
        result = action(request.options(stop), shown)
    summary.show(result)
