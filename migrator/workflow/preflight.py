"""Before the first step: can this server be changed, and may we do all that the steps need.

Fails with PreflightError, which names everything that is missing and the GRANT or ALTER that mends each, and
with SqlSyntaxError where the server cannot parse a statement that was read here.
"""

from collections.abc import Sequence

import msgspec

from migrator.database import preflight
from migrator.database.journal_store import JournalStore
from migrator.database.parse_check import check_syntax
from migrator.database.session import Connector
from migrator.execution.journal import MigrationRecord
from migrator.plan.plan import Plan
from migrator.policy import Policy
from migrator.workflow.agenda import combined


def check(connector: Connector, plan: Plan, policy: Policy) -> None:
    """Raise PreflightError where the steps of `plan` could not run here; a plan of nothing needs nothing."""
    if not plan.migrations:
        return
    with connector.session("preflight") as connection:
        preflight.check(connection, plan, policy, connect=lambda: connector.connect("preflight"))
        check_syntax(connection, plan)


def check_begun(connector: Connector, versions: Sequence[str], policy: Policy) -> None:
    """Raise PreflightError where what is left of these begun migrations could not run here."""
    with connector.session("preflight") as connection:
        journal = JournalStore(connection, policy.journal_schema).load()
    records = [record for version in versions if (record := journal.get(version)) is not None]
    check(connector, combined([left(record, record.plan or Plan()) for record in records]), policy)


def left(record: MigrationRecord, plan: Plan) -> Plan:
    """Return the plan of a begun migration without the steps that are done."""
    steps = [
        s for s in plan.steps_of(record.version) if s.id not in record.steps or not record.steps[s.id].done
    ]
    return msgspec.structs.replace(plan.only(record.version), steps=tuple(steps))
