"""The schema as text is compared with pg_dump, which is written by others: both see the same changes."""

import pytest

from migrator.database.session import Connection
from migrator.shadow.schema import read_schema, schema_of
from tests.conftest import Database
from tests.schema_dump import schema as dump
from tests.shadow.mutations import BASE, MUTATIONS

CHANGED = 100
"""Objects that the mutations change, at least."""


def execute(connection: Connection, text: str) -> None:
    for statement in text.split(";\n") if text is BASE else text.split("; "):
        if statement.strip():
            connection.execute(statement.encode())


@pytest.mark.postgres(newest=True)
def test_a_change_is_seen_exactly_where_pg_dump_sees_it(database: Database) -> None:
    connection, reader = database.connect(), database.connect()
    execute(connection, BASE)
    before, dumped = read_schema(reader, without=()), dump(database.url)
    wrong = {}
    for mutation in MUTATIONS:
        if mutation.since > database.version:
            continue
        execute(connection, mutation.sql)
        after, dumped_after = read_schema(reader, without=()), dump(database.url)
        if not (before != after) == (dumped != dumped_after) == mutation.shown:
            wrong[mutation.sql] = (before != after, dumped != dumped_after)
        before, dumped = after, dumped_after

    assert wrong == {}


def test_changes_are_seen_on_every_version(database: Database) -> None:
    """One by one is for the newest: here those that no dump shows, then all others together."""
    connection = database.connect()
    execute(connection, BASE)
    before = schema_of(database.url, without=())
    given = [mutation for mutation in MUTATIONS if mutation.since <= database.version]
    for mutation in (each for each in given if not each.shown):
        execute(connection, mutation.sql)
    hidden = schema_of(database.url, without=())
    for mutation in (each for each in given if each.shown):
        execute(connection, mutation.sql)
    shown = schema_of(database.url, without=())

    assert before == hidden
    changed = {name for name in {*before, *shown} if before.get(name) != shown.get(name)}
    assert len(changed) > CHANGED
