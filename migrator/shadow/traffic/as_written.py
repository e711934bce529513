"""The user's own text as psql would send it, and a database as it is when autovacuum has been at it."""

from collections.abc import Mapping, Sequence

import psycopg

from migrator.shadow.traffic.beside import Diary


def execute(url: str, files: Sequence[Mapping[int, str]], diary: Diary) -> None:
    """Execute the statements of each file, by their numbers, in a session of its own.

    Raises what the server refuses a statement with.
    """
    for statements in files:
        with psycopg.connect(url, autocommit=True, application_name="migrator as written") as connection:
            cursor = psycopg.RawCursor(connection)
            for number, text in statements.items():
                with diary.at(str(number), " ".join(text.split())):
                    cursor.execute(text.encode())


def vacuum(url: str) -> None:
    """Vacuum and analyze all tables, so that nobody does it during a run."""
    with psycopg.connect(url, autocommit=True, application_name="migrator vacuum") as connection:
        connection.execute("VACUUM (ANALYZE)")
