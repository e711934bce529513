"""Two databases that the cases of one server take turns in: emptying one is quicker than making one."""

from typing import LiteralString

from psycopg import sql

from tests.conftest import Database

_SCHEMAS: LiteralString = "SELECT nspname FROM pg_namespace WHERE oid >= 16384 OR nspname = 'public'"
"""Smaller numbers are those of a new server: FirstNormalObjectId."""

_LEFT: LiteralString = " UNION ALL ".join(
    f"SELECT '{catalog}', oid::int8 FROM {catalog} WHERE oid >= 16384"
    for catalog in (
        "pg_cast",
        "pg_class",
        "pg_constraint",
        "pg_default_acl",
        "pg_event_trigger",
        "pg_extension",
        "pg_foreign_data_wrapper",
        "pg_language",
        "pg_largeobject_metadata",
        "pg_namespace",
        "pg_operator",
        "pg_proc",
        "pg_publication",
        "pg_trigger",
        "pg_type",
    )
)


def empty(database: Database) -> None:
    """Leave nothing but a new schema `public`; sessions of the last test are closed."""
    for connection in database.connections:
        connection.close()
    database.connections.clear()
    connection = database.reader()
    for (name,) in connection.execute(_SCHEMAS).fetchall():
        connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
    left = connection.execute(_LEFT).fetchall()
    assert left == [], "dropping all schemas does not undo what this case makes"

    connection.execute("CREATE SCHEMA public")
    connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
