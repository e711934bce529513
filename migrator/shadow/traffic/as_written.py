"""The user's own text as psql would send it, and a database as it is when autovacuum has been at it."""

from collections.abc import Sequence

import psycopg

from migrator.shadow.traffic.beside import Diary
from migrator.sql.migration import Migration


def execute(url: str, migrations: Sequence[Migration], diary: Diary) -> None:
    """Execute the files, each in a session of its own; raises what the server refuses a statement with."""
    for migration in migrations:
        with psycopg.connect(url, autocommit=True, application_name="migrator as written") as connection:
            cursor = psycopg.RawCursor(connection)
            for number, statement in enumerate(migration.statements, start=1):
                with diary.at(str(number), " ".join(statement.text.split())):
                    cursor.execute(statement.text.encode())


def vacuum(url: str) -> None:
    """Vacuum and analyze all tables, so that nobody does it during a run."""
    with psycopg.connect(url, autocommit=True, application_name="migrator vacuum") as connection:
        connection.execute("VACUUM (ANALYZE)")
