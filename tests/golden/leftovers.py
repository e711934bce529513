"""What a finished run must not leave behind."""

from typing import LiteralString

from migrator.database.session import Connector
from migrator.execution.events import Silent
from migrator.plan.plan import Plan
from migrator.runner import run
from tests.conftest import Database
from tests.golden.execution import OPTIONS, POLICY

_JOURNAL: LiteralString = """
    SELECT format('%s %s', description.type, description.identity)
    FROM pg_depend AS d
    CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS description
    WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'migrator'::regnamespace
    ORDER BY 1
"""

_HELPERS: LiteralString = """
    SELECT format('trigger %s on %s', tgname, tgrelid::regclass) FROM pg_trigger
    WHERE tgname LIKE '%migrator%'
    UNION ALL
    SELECT format('constraint %s on %s', conname, conrelid::regclass) FROM pg_constraint
    WHERE conname LIKE '%migrator%' AND connamespace <> 'migrator'::regnamespace
    UNION ALL
    SELECT format('relation %s', oid::regclass) FROM pg_class
    WHERE relname LIKE '%migrator%' AND relnamespace <> 'migrator'::regnamespace
        AND relnamespace <> 'pg_toast'::regnamespace
    UNION ALL
    SELECT format('function %s', oid::regprocedure) FROM pg_proc
    WHERE proname LIKE '%migrator%' AND pronamespace <> 'migrator'::regnamespace
    UNION ALL
    SELECT format('schema %s', nspname) FROM pg_namespace
    WHERE nspname LIKE '%migrator%' AND nspname <> 'migrator'
    UNION ALL
    SELECT format('session %s: %s', application_name, state) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'migrator%'
"""


def journal_objects(database: Database) -> list[str]:
    """The objects in the schema of the journal."""
    return [name for (name,) in database.reader().execute(_JOURNAL)]


def objects_of_new_journal(database: Database) -> list[str]:
    """Those that a run makes which has nothing to do."""
    run(Connector(conninfo=database.url), Plan(), POLICY, OPTIONS, Silent())
    return journal_objects(database)


def helpers(database: Database) -> list[str]:
    """Objects outside the journal that bear our name, and sessions."""
    return [name for (name,) in database.reader().execute(_HELPERS)]
