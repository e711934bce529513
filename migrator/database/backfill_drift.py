"""A table whose definition changes while its backfill goes on: looked for now and then, and when it fails.

What a walk relies on (the columns, the fill trigger that covers new rows) may go at any time in its hours.
What was done so far stays; a walk that may do so begins anew when it goes on, because rows that were written
meanwhile may lack their value. A walk changes no definition, so none is recorded at its end.
"""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from migrator.database.drift import check_drift, check_drift_patiently
from migrator.database.workbench import Workbench
from migrator.errors import DriftError
from migrator.plan.step import Backfill, Step
from migrator.postgres.identifiers import QualifiedName

_EVERY_S = 1.0
"""Between two looks; one costs some milliseconds."""


@dataclass(slots=True, kw_only=True)
class DriftWatch:
    """Looks at the table of one walk, where definitions are watched at all."""

    bench: Workbench
    step: Step
    table: QualifiedName
    looked: float = field(default_factory=time.monotonic)

    def now_and_then(self) -> None:
        """As `look`, where some time has gone by."""
        if time.monotonic() - self.looked >= _EVERY_S:
            self.look()

    def look(self) -> None:
        """Raise DriftError where the table is not as expected; outside a transaction."""
        if self.bench.commands.attended:
            with beginning_anew(self.bench, self.step):
                check_drift_patiently(self.bench, self.step.migration, (self.table,))
            self.looked = time.monotonic()

    def check(self) -> None:
        """As `look`, within the transaction that ends the walk; does not wait."""
        if self.bench.commands.attended:
            check_drift(self.bench, self.step.migration, (self.table,))


@contextlib.contextmanager
def beginning_anew(bench: Workbench, step: Step) -> Iterator[None]:
    """Let drift that is found in the block make the step's walk begin anew, where it is a walk under way."""
    try:
        yield
    except DriftError:
        if isinstance(step.work, Backfill):
            bench.execute(bench.commands.backfill("begin anew", step))
        raise
