"""The synchronous write after a commit that did not wait for standbys, because it held a strong lock.

The server waits for as long as no standby confirms, and no timeout ends that; so it is said. Interrupting the
wait undoes nothing: what was to be confirmed is committed.
"""

import time
from dataclasses import dataclass, field

import psycopg

from migrator.database.commands import journal_query
from migrator.database.message import Line, exchange
from migrator.database.workbench import Workbench
from migrator.errors import CannotConnect
from migrator.execution.events import WaitingForStandby
from migrator.plan.step import Step

_SAY_AFTER_S = 1.0
_SAY_EVERY_S = 10.0


def confirm(bench: Workbench, step: Step) -> None:
    """Have the standbys confirm what was committed; raises psycopg's error."""
    watch = _Watch(bench=bench, step=step)
    line = Line(command=bench.commands.confirm(step), recurs=False)
    answers = exchange(bench.connection, [line], bench.session.names, meanwhile=watch.look)
    if answers.refused is not None:
        raise answers.refused


@dataclass(slots=True, kw_only=True)
class _Watch:
    """Looks what the executing session waits for, over a session of its own."""

    bench: Workbench
    step: Step
    began: float = field(default_factory=time.monotonic)
    next_s: float = _SAY_AFTER_S

    def look(self) -> None:
        """Say that a standby is waited for, where it is one, now and then."""
        waited = time.monotonic() - self.began
        if waited < self.next_s:
            return
        self.next_s = waited + _SAY_EVERY_S
        standbys = self._standbys()
        if standbys is not None:
            self.bench.observer.event(WaitingForStandby(step=self.step, waited_s=waited, standbys=standbys))

    def _standbys(self) -> str | None:
        pid = self.bench.connection.info.backend_pid
        command = journal_query("journal_read.sql", "waits for standby", self.bench.schema, {"pid": pid})
        try:
            with self.bench.connector.session("watch", read_only=True) as connection:
                row = connection.execute(command.query, command.parameters).fetchone()
        except (CannotConnect, psycopg.Error):  # then it goes unsaid
            return None
        return None if row is None else str(row[0])
