"""The user's own text, sent to a scratch database as it stands, as psql would send it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg

from migrator.database.translate import message_of
from migrator.plan.proof import Measurement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.sql.migration import Migration


def run_statements(url: str, migrations: Sequence[Migration]) -> tuple[Measurement, ...]:
    """Execute the files, each in a session of its own; end where the server refuses a statement."""
    found: list[Measurement] = []
    for migration in migrations:
        with psycopg.connect(url, autocommit=True, application_name="migrator as written") as connection:
            cursor = psycopg.RawCursor(connection)
            for number, statement in enumerate(migration.statements, start=1):
                start = time.monotonic()
                error = _execute(cursor, statement.text)
                found.append(
                    Measurement(
                        migration=migration.version,
                        id=str(number),
                        title=statement.text.splitlines()[0],
                        began_s=sum(done.seconds for done in found),
                        seconds=time.monotonic() - start,
                        error=error,
                    )
                )
                if error is not None:
                    return tuple(found)
    return tuple(found)


def _execute(cursor: psycopg.RawCursor[tuple[object, ...]], text: str) -> str | None:
    """Return what the server refused it with, or None."""
    try:
        cursor.execute(text.encode())
    except psycopg.Error as error:
        return message_of(error)
    return None
