"""The databases of one verification on a shadow server: made empty or as copies, and dropped at the end.

All have names of their own, and nothing else on the server is touched. An advisory lock of the database one
connects to says that a process still uses its databases; those of a killed one are found and dropped by the
next that connects to the same database. Fails with CannotConnect, and with PreflightError where databases may
not be made.
"""

from __future__ import annotations

import contextlib
import itertools
import uuid
from collections.abc import Iterator

import msgspec
from psycopg import conninfo, sql

from migrator.database.session import Connection
from migrator.database.translate import translating
from migrator.errors import PreflightError
from migrator.shadow.scratch import connect, databases, drop_database, lock, short, with_database
from migrator.shadow.servers import ShadowServer

PREFIX = "migrate_verify"

OLDEST_SUPPORTED = 13


class Workspace(msgspec.Struct, frozen=True, kw_only=True):
    """What makes and drops scratch databases on one server."""

    server: ShadowServer
    prefix: str
    """Of the names of this process's databases."""
    keeper: Connection
    """Open as long as the databases are used: it holds the lock that says so."""
    numbers: Iterator[int] = msgspec.field(default_factory=lambda: itertools.count(1))

    @property
    def version(self) -> str:
        """The server's version, e.g. 18.4."""
        return self.keeper.info.parameter_status("server_version").split()[0]  # type: ignore[union-attr]  # every server sends it

    @property
    def major(self) -> int:
        """The major version."""
        return self.keeper.info.server_version // 10_000

    def create(self) -> str:
        """Make an empty database, and return its URL."""
        return self._create("template0")

    def copy(self, url: str) -> str:
        """Make a copy of one of our databases, to which nobody is connected."""
        return self._create(str(conninfo.conninfo_to_dict(url)["dbname"]))

    def drop(self, url: str) -> None:
        """Drop one of our databases."""
        with translating("dropping a scratch database"):
            drop_database(self.keeper, str(conninfo.conninfo_to_dict(url)["dbname"]))

    def available_extensions(self) -> frozenset[str]:
        """Return the names of the extensions that can be created here."""
        found = self.keeper.execute("SELECT name::text FROM pg_available_extensions").fetchall()
        return frozenset(name for (name,) in found)

    def _create(self, template: str) -> str:
        name = f"{self.prefix}{next(self.numbers)}"
        with translating("making a scratch database"):
            self.keeper.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, template)))
            )
        return with_database(self.server.url, name)


@contextlib.contextmanager
def workspace(server: ShadowServer) -> Iterator[Workspace]:
    """Give the means to make databases; all of them are dropped at the end."""
    keeper = connect(server.url, "migrator verify")
    try:
        _check(keeper, server)
        session = uuid.uuid4().hex[:10]
        here = f"{PREFIX}_{short(keeper.info.dbname)}_"
        with translating("preparing the shadow server"):
            lock(keeper, "pg_advisory_lock", f"verify {session}")
            _drop_abandoned(keeper, here)
        made = Workspace(server=server, prefix=f"{here}{session}_", keeper=keeper)
        try:
            yield made
        finally:
            if not keeper.broken:
                with translating("dropping the scratch databases"):
                    for name in databases(keeper, made.prefix):
                        drop_database(keeper, name)
    finally:
        keeper.close()


def _check(keeper: Connection, server: ShadowServer) -> None:
    """Raise PreflightError where nothing can be verified on this server."""
    query = (
        "SELECT rolname, rolcreatedb OR rolsuper, pg_is_in_recovery() FROM pg_roles"
        " WHERE rolname = current_user"
    )
    row = keeper.execute(query).fetchone()
    major = keeper.info.server_version // 10_000
    if row is None or not row[1]:
        role = "the role" if row is None else row[0]
        raise PreflightError(
            f"{role} may not make databases on {server.name}",
            hint=f"on a server for scratch databases: ALTER ROLE {role} CREATEDB; or: --shadow embedded",
        )
    if row[2]:
        raise PreflightError(f"{server.name} is a standby: no database can be made there")
    if major < OLDEST_SUPPORTED:
        raise PreflightError(f"{server.name} is PostgreSQL {major}, which is not supported")


def _drop_abandoned(keeper: Connection, prefix: str) -> None:
    """Drop databases whose process is gone: nobody holds its lock."""
    names = databases(keeper, prefix)
    for session in {name.removeprefix(prefix).partition("_")[0] for name in names}:
        if not lock(keeper, "pg_try_advisory_lock", f"verify {session}"):
            continue
        for name in names:
            if name.startswith(f"{prefix}{session}_"):
                drop_database(keeper, name)
        lock(keeper, "pg_advisory_unlock", f"verify {session}")
