"""The same files as psql would run them: one statement after the other, each as written, no timeouts.

A file that begins with BEGIN is one transaction. So is a file with an UPDATE among other statements, because
rows that the application writes between its statements would make SET NOT NULL fail, however often it is
tried. What the server refuses (the migration can be the victim of a deadlock) is tried again, as its author
would; each refusal is reported. Fails with the server's error when the attempts are used up.
"""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import psycopg

from migrator.sql.split import split

ATTEMPTS = 20

Connection = psycopg.Connection[tuple[object, ...]]


def units_of(file: Path) -> list[tuple[str, ...]]:
    """Return the file's transactions, each as the statements in it, without BEGIN and COMMIT."""
    statements = tuple(piece.text for piece in split(file.read_text(), file=file.name).pieces)
    if any(statement.upper().startswith("UPDATE") for statement in statements):
        return [statements]
    if statements[0].upper() == "BEGIN":
        return [statements[1:-1]]
    return [(statement,) for statement in statements]


def run(database: str, file: Path, refused: Callable[[str], None]) -> None:
    """Execute the file's statements as written."""
    with psycopg.connect(database, autocommit=True, application_name="psql") as connection:
        for unit in units_of(file):
            persist(connection, unit, refused)


def persist(connection: Connection, unit: tuple[str, ...], refused: Callable[[str], None]) -> None:
    """Execute one transaction, again where it was refused."""
    for attempt in range(ATTEMPTS):
        try:
            execute(connection, unit)
        except psycopg.Error as error:
            refused(f"{error.sqlstate}: {str(error).splitlines()[0]}")
            if attempt == ATTEMPTS - 1:
                raise
        else:
            return


def execute(connection: Connection, unit: tuple[str, ...]) -> None:
    """Execute one transaction; a single statement is one by itself, as some have to be."""
    with connection.transaction() if len(unit) > 1 else nullcontext():
        for statement in unit:
            connection.execute(statement.encode())
