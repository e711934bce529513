"""Small things that are done to a shadow server and its databases, which are nobody's but ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psycopg import sql

from migrator.database.session import Connector
from migrator.database.translate import translating

if TYPE_CHECKING:
    from migrator.database.session import Connection


def make(keeper: Connection, name: str) -> None:
    """Make a role without any rights, on a server that was started here."""
    with translating(f"making the role {name}"):
        keeper.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(name)))


def forget_journal(url: str, schema: str) -> None:
    """Drop the journal of a scratch database: the plan that is verified begins a new one."""
    with Connector(conninfo=url).session("verify") as connection, translating("dropping the journal"):
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))
