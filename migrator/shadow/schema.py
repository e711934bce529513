"""The schema of a database as text, from its catalogs alone: an entry for each object.

Everything that pg_dump tells is in it, and what it does not: indexes that are not valid, versions of
extensions, materialized views that are not filled. What an extension brings stands behind the extension. The
order of columns is an entry of its own (`ORDER`), because a column that is replaced moves to the end. Works
on PostgreSQL 13 to 18; fails with the server's errors.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

from psycopg import IsolationLevel

from migrator.database.queries import load
from migrator.database.session import Connector

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from migrator.database.session import Connection

PACKAGE = "migrator.shadow"

ORDER = "order of columns of "
"""What the entries begin with that tell the order of columns."""

SCHEMA_PUBLICATIONS = 15
"""The first version that publishes whole schemas."""

Schema = dict[str, str]
"""By object: what is said of it."""


def schema_of(url: str, *, without: Sequence[str] = ("migrator",)) -> Schema:
    """Return the schema of a database, without the schemas named."""
    with Connector(conninfo=url).session("compare") as connection:
        return read_schema(connection, without=without)


def read_schema(connection: Connection, *, without: Sequence[str]) -> Schema:
    """Read it in one snapshot; needs an idle autocommit connection."""
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    with connection.transaction(force_rollback=True):
        connection.execute(
            "SELECT set_config('search_path', '', true), set_config('quote_all_identifiers', 'off', true)"
        )
        found: Schema = {}
        for name, said in sorted(_entries(connection, without)):
            found[name] = f"{found[name]}\n{said}" if name in found else said
        return found


def _entries(connection: Connection, without: Sequence[str]) -> Iterator[tuple[str, str]]:
    queries = dict(load("schema.sql", package=PACKAGE))
    parameters: dict[str, list[Any]] = {"without": list(without)}
    for name in ("schemas", "members"):
        query = queries.pop(name)
        used = {key: value for key, value in parameters.items() if f"%({key})s" in query}
        parameters[name] = [oid for (oid,) in connection.execute(query, used)]
    for name, query in queries.items():
        since = name.rpartition(" ")[2]
        if since.isdigit() and connection.info.server_version < int(since) * 10_000:
            continue
        used = {key: value for key, value in parameters.items() if f"%({key})s" in query}
        yield from connection.execute(query, used).fetchall()


def text_of(schema: Mapping[str, str]) -> str:
    """Return the schema as one text."""
    return "".join(
        f"{name}\n" + "".join(f"    {line}\n" for line in said.splitlines()) for name, said in schema.items()
    )


def schema_differences(planned: Mapping[str, str], written: Mapping[str, str]) -> tuple[str, ...]:
    """Return where the plan's schema is not that of the text as written, some lines for each object."""
    found: list[str] = []
    for name in sorted({*planned, *written}):
        if planned.get(name) == written.get(name):
            continue
        if name not in planned:
            found.append(f"{name}: only as written")
        elif name not in written:
            found.append(f"{name}: only by the plan")
        else:
            found += [f"{name}: {line}" for line in _changed(planned[name], written[name])]
    return tuple(found)


def _changed(planned: str, written: str) -> Iterator[str]:
    for line in difflib.ndiff(written.splitlines(), planned.splitlines()):
        if line.startswith("- "):
            yield f"as written: {line[2:].strip()}"
        elif line.startswith("+ "):
            yield f"by the plan: {line[2:].strip()}"
