"""The session state of steps that go together: set for the session, not for each transaction.

A file gives its settings as they may stand after `SET name TO`; the server says what each came to, and from
then on one function call sets them all to that.
"""

from collections.abc import Sequence

from psycopg import pq

from migrator.database import commands as sql
from migrator.database.pipeline import Part, Placed
from migrator.database.workbench import Workbench
from migrator.plan.step import SessionState

UNKNOWN = SessionState(settings=(("", ""),))
"""A session whose settings a statement may have changed: equal to that of no step."""


def session_state(bench: Workbench, state: SessionState) -> list[Placed]:
    """Return what gives the session the step's settings, and timeouts of ours; the role is ours already."""
    entering = sql.enter_session(SessionState(settings=state.settings), local=False)
    return [Placed(command=each, part=Part.SETUP) for each in (*entering, sql.set_session(_limits(bench)))]


def entered(bench: Workbench, state: SessionState) -> list[Placed]:
    """Return the same, in one command where the server has said what the settings come to."""
    known = bench.session.values.get(state)
    if known is None:
        asked = sql.current_settings([name for name, _ in state.settings])
        return [*session_state(bench, state), Placed(command=asked, part=Part.ANSWER, state=state)]
    return [Placed(command=sql.set_session({**known, **_limits(bench)}), part=Part.SETUP)]


def learn(bench: Workbench, placed: Sequence[Placed], answers: Sequence[pq.abc.PGresult]) -> None:
    """Keep what the server said the settings come to."""
    for one, answer in zip(placed, answers, strict=False):  # a refused message has fewer answers
        if one.state is not None:
            rows = [(answer.get_value(n, 0), answer.get_value(n, 1)) for n in range(answer.ntuples)]
            values = {name.decode(): value.decode() for name, value in rows if name and value is not None}
            bench.session.values[one.state] = values


def _limits(bench: Workbench) -> dict[str, int | str]:
    return {
        "lock_timeout": bench.policy.statement_timeout_ms,
        "statement_timeout": 0,
        "idle_in_transaction_session_timeout": 60_000,
        "synchronous_commit": "off",
    }
