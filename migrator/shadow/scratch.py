"""Databases of a test run: one template, made once for all processes of the run, and copies of it.

All of them are on one server, beside whatever else is there, and have names of their own; nothing else is
touched. Advisory locks of the database one connects to tell who still uses what, so what a killed run left
behind is found and dropped by the next. Fails with CannotConnect and PreflightError.
"""

import contextlib
import hashlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import msgspec
import psycopg
from psycopg import conninfo, sql

from migrator.database.session import Connection
from migrator.database.translate import cannot_connect, translating

_TEMPLATE = "migrate_template"
_COPY = "migrate_test"


def with_database(url: str, name: str) -> str:
    """Return the address of another database of the same server, in the same form."""
    if "://" in url:
        return urlsplit(url)._replace(path=f"/{name}").geturl()
    return conninfo.make_conninfo(url, dbname=name)


class Scratch(msgspec.Struct, frozen=True, kw_only=True):
    """The databases of one process of a test run."""

    url: str
    """Of any database of the server, in which nothing is made."""
    template: str
    """The template's name."""
    session: str
    """Names this process among others."""
    keeper: Connection
    """Open as long as the databases are used: it holds the locks that say so."""
    numbers: Iterator[int] = msgspec.field(default_factory=lambda: itertools.count(1))

    def copy(self) -> str:
        """Make a database from the template, and return its address."""
        name = f"{_COPY}_{self.session}_{next(self.numbers)}"
        with translating("copying the template database"):
            self.keeper.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, self.template)))
            )
        return with_database(self.url, name)

    def drop(self, url: str) -> None:
        """Drop a copy, whoever is still connected to it."""
        name = str(conninfo.conninfo_to_dict(url)["dbname"])
        with translating("dropping a copy of the template database"):
            drop_database(self.keeper, name)


@contextlib.contextmanager
def scratch(
    url: str, *, project: str, digest: str, session: str, make: Callable[[str], None], keep: bool = False
) -> Iterator[Scratch]:
    """Give the databases for the length of a `with` block; `make` fills the template at its address.

    The template of `project` with this `digest` is made by the process that comes first. The last one drops
    it, unless it is to be kept for the next run; then those of other digests go.
    """
    prefix = f"{_TEMPLATE}_{short(project)}"
    template = f"{prefix}_{short(digest)}"
    own = f"{short(project)}_{short(session)}"
    keeper = connect(url)
    try:
        with translating("preparing the template database"):
            lock(keeper, "pg_advisory_lock", own)
            _drop_abandoned(keeper, f"{_COPY}_{short(project)}_")
            with _held(keeper, f"make {prefix}"):
                lock(keeper, "pg_advisory_lock_shared", f"use {template}")
                _make(keeper, url, template, make)
        yield Scratch(url=url, template=template, session=own, keeper=keeper)
        with translating("dropping the databases of the test run"), _held(keeper, f"make {prefix}"):
            lock(keeper, "pg_advisory_unlock_shared", f"use {template}")
            for name in databases(keeper, f"{_COPY}_{own}_"):
                drop_database(keeper, name)
            for name in databases(keeper, f"{prefix}_"):
                if not (keep and name == template) and lock(keeper, "pg_try_advisory_lock", f"use {name}"):
                    drop_database(keeper, name)
                    lock(keeper, "pg_advisory_unlock", f"use {name}")
    finally:
        keeper.close()


def drop_database(connection: Connection, name: str) -> None:
    """Drop a database with the sessions in it."""
    connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _make(keeper: Connection, url: str, template: str, make: Callable[[str], None]) -> None:
    """Make the template where there is none that is finished; a finished one takes no connections."""
    query = "SELECT datallowconn FROM pg_database WHERE datname = %s"
    row = keeper.execute(query, [template]).fetchone()
    if row is not None and not row[0]:
        return
    name = sql.Identifier(template)
    drop_database(keeper, template)
    keeper.execute(sql.SQL("CREATE DATABASE {}").format(name))
    try:
        make(with_database(url, template))
    except BaseException:
        drop_database(keeper, template)
        raise
    keeper.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))


def _drop_abandoned(keeper: Connection, prefix: str) -> None:
    """Drop copies whose process is gone: nobody holds its lock."""
    for name in databases(keeper, prefix):
        owner = name.removeprefix(f"{_COPY}_").rpartition("_")[0]
        if lock(keeper, "pg_try_advisory_lock", owner):
            drop_database(keeper, name)
            lock(keeper, "pg_advisory_unlock", owner)


def databases(keeper: Connection, prefix: str) -> list[str]:
    """Return the names of the databases that begin so, and that this role may drop."""
    query = (
        "SELECT datname FROM pg_database WHERE starts_with(datname, %s)"
        " AND pg_has_role(datdba, 'USAGE') ORDER BY datname"
    )
    return [str(name) for (name,) in keeper.execute(query, [prefix]).fetchall()]


def connect(url: str, name: str = "migrator pytest") -> psycopg.Connection[tuple[Any, ...]]:
    """Open a session that makes and drops databases."""
    try:
        return psycopg.connect(url, autocommit=True, application_name=name)
    except psycopg.Error as error:
        raise cannot_connect(error, url) from None


@contextlib.contextmanager
def _held(keeper: Connection, what: str) -> Iterator[None]:
    lock(keeper, "pg_advisory_lock", what)
    try:
        yield
    finally:
        if not keeper.broken:
            lock(keeper, "pg_advisory_unlock", what)


def lock(keeper: Connection, function: str, what: str) -> bool:
    """Call a function of advisory locks; those that try say whether they had it."""
    key = int.from_bytes(hashlib.sha256(f"migrator scratch {what}".encode()).digest()[:8], signed=True)
    row = keeper.execute(sql.SQL("SELECT {}(%s)").format(sql.Identifier(function)), [key]).fetchone()
    return row is not None and row[0] is not False


def short(text: str) -> str:
    """Return a few characters that stand for the text in the name of a database."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]
