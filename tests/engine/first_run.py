"""A first run that kills itself after its first file: python -m tests.engine.first_run URL."""

import os
import signal
import sys

from migrator import workflow
from migrator.database.session import Connector
from migrator.execution.events import Silent
from migrator.execution.faults import FaultPoint
from migrator.execution.options import RunOptions
from migrator.policy import Policy
from migrator.sql.migration import read_migration
from tests.engine.plans import PROVENANCE

POLICY = Policy(small_table_rows=0)
FILES = tuple(
    read_migration(text, file=f"{number}_file.sql")
    for number, text in enumerate(
        (
            "CREATE TABLE users (id bigint PRIMARY KEY, name text);\nINSERT INTO users VALUES (1, 'a');\n",
            "ALTER TABLE users ADD COLUMN token uuid NOT NULL DEFAULT gen_random_uuid();\n",
            "ALTER TABLE users DROP COLUMN name;\n",
        ),
        start=1,
    )
)


def main() -> None:
    def fault(point: FaultPoint) -> None:
        if point is FaultPoint.MIGRATION_ENDED:
            os.kill(os.getpid(), signal.SIGKILL)

    options = RunOptions(provenance=PROVENANCE, faults=fault)
    workflow.apply(Connector(conninfo=sys.argv[1]), FILES, POLICY, options, Silent())


if __name__ == "__main__":
    main()
