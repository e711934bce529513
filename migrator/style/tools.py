"""Tables in which tools of migration keep their books: their form is the tool's, not the project's."""

from migrator.sql.syntax import AlterTable, CreateTable
from migrator.style.base import Scene

TABLES = frozenset(
    {
        "_prisma_migrations",
        "alembic_version",
        "ar_internal_metadata",
        "databasechangelog",
        "databasechangeloglock",
        "django_migrations",
        "flyway_schema_history",
        "goose_db_version",
        "schema_migrations",
    }
)


def kept_by_a_tool(scene: Scene) -> bool:
    """Whether the statement makes or alters such a table."""
    command = scene.command
    return isinstance(command, CreateTable | AlterTable) and command.name.name in TABLES
