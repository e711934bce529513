"""Enum types and their labels, which a file of facts has besides the facts themselves."""

from migrator.database.queries import load
from migrator.database.session import Connection
from migrator.postgres.facts_document import Enum
from migrator.postgres.identifiers import QualifiedName


def read_enums(connection: Connection) -> tuple[Enum, ...]:
    """Return those of users."""
    found = connection.execute(load("enums.sql")["enums"]).fetchall()
    return tuple(Enum(QualifiedName(schema, name), tuple(labels)) for schema, name, labels in found)
