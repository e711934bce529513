"""Making the journal and bringing it to the form of this tool; the caller holds the runner lock."""

import hashlib
from typing import Any

import psycopg

from migrator.database.commands import Command, journal_query
from migrator.database.fingerprint import function_sql, journal_functions_sql, stamps_sql
from migrator.database.session import Connection
from migrator.errors import JournalDamaged, PreflightError

FORM = 1
"""Of the tables; a newer one is refused."""

_FILE = "journal_tables.sql"


def exists(connection: Connection, schema: str) -> bool:
    """Whether there is a journal in that schema. Raises JournalDamaged where there is a part of one."""
    found, missing = _one(connection, journal_query(_FILE, "objects", schema, {"schema": schema}))
    if found and missing:
        raise JournalDamaged(f"the journal is damaged: schema {schema} lacks {', '.join(missing)}")
    return bool(found)


def install(connection: Connection, schema: str) -> bool:
    """Make the journal, or renew its functions; doing it again changes nothing. Raises PreflightError.

    Returns whether there was none before.
    """
    with connection.transaction():
        new = not exists(connection, schema)
        if new:
            _create(connection, schema)
        form, functions, complete = _one(
            connection, journal_query(_FILE, "format", schema, {"schema": schema})
        )
        if form > FORM:
            raise PreflightError(
                f"the journal in schema {schema} has form {form}, which a newer version of this tool made",
                hint="use that version",
            )
        _renew_functions(connection, schema, functions, complete=complete)
    return new


def _create(connection: Connection, schema: str) -> None:
    try:
        if not _one(connection, journal_query(_FILE, "schema exists", schema, {"schema": schema}))[0]:
            connection.execute(journal_query(_FILE, "schema", schema).query)
        connection.execute(journal_query(_FILE, "tables", schema).query)
    except psycopg.errors.InsufficientPrivilege as error:
        raise PreflightError(
            f"no permission to make the journal in schema {schema}: {error.diag.message_primary}",
            hint=f'as an administrator: CREATE SCHEMA "{schema}" AUTHORIZATION the migration role',
        ) from error


def _renew_functions(connection: Connection, schema: str, installed: str, *, complete: bool) -> None:
    """Install the functions where they are not those of this tool; where digests are, compute all anew."""
    definitions = [sql.as_bytes(None) for sql in (function_sql(schema), stamps_sql(schema))]
    others = [sql.as_bytes(None) for sql in journal_functions_sql(schema)]
    digests, rest = (hashlib.sha256(b";".join(each)).hexdigest() for each in (definitions, others))
    if complete and f"{digests} {rest}" == installed:
        return
    try:
        for function in (*definitions, *others):
            connection.execute(function)
    except (psycopg.errors.UndefinedObject, psycopg.errors.InsufficientPrivilege) as error:
        raise PreflightError(
            f"cannot make the functions of the journal in schema {schema}: {error.diag.message_primary}",
            hint="the language plpgsql is needed, with USAGE on it: CREATE EXTENSION plpgsql",
        ) from error
    renewed = journal_query(_FILE, "set functions", schema, {"functions": f"{digests} {rest}"})
    connection.execute(renewed.query, renewed.parameters)
    if not installed.startswith(digests):
        connection.execute(journal_query(_FILE, "renew fingerprints", schema).query)


def _one(connection: Connection, command: Command) -> tuple[Any, ...]:
    row = connection.execute(command.query, command.parameters).fetchone()
    if row is None:
        raise JournalDamaged("the journal is damaged: the row of its table format is gone")
    return row
