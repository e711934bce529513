"""Digests of relations: the server's own words for a definition, hashed, so that a change of it is noticed.

A digest depends neither on the settings of the session nor on OIDs. Turning a definition into text opens the
relation (ACCESS SHARE) and, for a view, those under it until the transaction ends; the caller chooses the
lock_timeout, and meets `psycopg.errors.LockNotAvailable` where another session holds ACCESS EXCLUSIVE longer.

A stamp costs a tenth of that and waits for nobody. It only tells whether the catalog rows of a definition are
still those that were there when its digest was computed (decision 170).
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, LiteralString

from psycopg import Connection, RawCursor, sql

from migrator.database.queries import load
from migrator.postgres.identifiers import QualifiedName

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_CHUNK = 500
"""Relations in one transaction: what lies under views stays locked (ACCESS SHARE) for so long."""


def function_sql(journal_schema: str) -> sql.Composed:
    """Return CREATE OR REPLACE FUNCTION `journal_schema`.fingerprints(schemas text[], names text[]).

    It returns one row (schema_name, relation_name, digest) for each pair, the digest NULL where there is no
    such relation, and gives exactly the digests of `digests`.
    """
    queries = load("fingerprint.sql")
    return sql.SQL(queries["function"]).format(
        journal=sql.Identifier(journal_schema),
        settings=sql.SQL(queries["settings"]),
        query=sql.SQL(queries["digests"]),
    )


def stamps_sql(journal_schema: str) -> sql.Composed:
    """Return CREATE OR REPLACE FUNCTION `journal_schema`.stamps(schemas text[], names text[])."""
    queries = load("fingerprint.sql")
    return sql.SQL(queries["stamps function"]).format(
        journal=sql.Identifier(journal_schema),
        settings=sql.SQL(queries["quick settings"]),
        query=sql.SQL(queries["stamps"]),
    )


def journal_functions_sql(journal_schema: str) -> tuple[sql.Composed, ...]:
    """Return CREATE OR REPLACE of the journal's other functions, which call these two."""
    settings = sql.SQL(load("fingerprint.sql")["quick settings"])
    journal = sql.Identifier(journal_schema)
    queries = load("journal_functions.sql").values()
    return tuple(sql.SQL(query).format(journal=journal, settings=settings) for query in queries)


def local_settings() -> LiteralString:
    """Return the SET LOCAL statements under which definitions are turned into text."""
    return load("fingerprint.sql")["settings"].replace("SET ", "SET LOCAL ").replace("\n", ";\n")


def set_lock_timeout(connection: Connection[Any], milliseconds: int) -> None:
    """Set lock_timeout for the rest of the current transaction."""
    connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{milliseconds}ms"])


def digests(
    connection: Connection[Any], names: Iterable[QualifiedName], *, lock_timeout_ms: int | None = None
) -> dict[QualifiedName, str | None]:
    """Return the digest of each relation, None where there is none of that name.

    The session stays as it was. Without a `lock_timeout_ms` the session's own counts.
    """
    remaining = iter(dict.fromkeys(names))
    found: dict[QualifiedName, str | None] = {}
    while chunk := list(islice(remaining, _CHUNK)):
        found.update(_digests(connection, chunk, lock_timeout_ms))
    return found


def _digests(
    connection: Connection[Any], names: Sequence[QualifiedName], lock_timeout_ms: int | None
) -> dict[QualifiedName, str | None]:
    parameters = [[name.schema for name in names], [name.name for name in names]]
    # Rolled back, so that a transaction of the caller's gets its settings back.
    with connection.transaction(force_rollback=True):
        connection.execute(local_settings())
        if lock_timeout_ms is not None:
            set_lock_timeout(connection, lock_timeout_ms)
        rows = RawCursor(connection).execute(load("fingerprint.sql")["digests"], parameters).fetchall()
    return {QualifiedName(schema, name): digest for schema, name, digest in rows}
