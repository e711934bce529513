"""Killed at random instants, under writers, with all operations: rows right, nothing left behind.

The shop is loaded once; each pass migrates a copy of it from its first schema to its last.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from migrator.demo import comparison, naive, samples, shop, verification
from migrator.demo.application import Application, Stopwatch
from migrator.demo.shop import Size
from tests.chaos.supervisor import ONLY_SIGKILL, Kill, Supervisor
from tests.conftest import Database
from tests.faults.proxy import Proxy
from tests.faults.server import shared_server
from tests.schema_dump import pg_dump_program
from tests.servers import Server
from tests.waiting import until

SIZE = Size(orders=16_000)

JOURNAL = "migrator"

CONFIG = """
[rewrite]
small_table_rows = 0

[run]
batch_rows = 60
batch_target = "40ms"
lock_deadline = "60s"
"""
"""No table is small, and a walk has many batches."""

PROMISES: dict[str, LiteralString] = {
    "entries without an id": "SELECT count(*) FROM order_history WHERE history_id IS NULL",
    "entries that share an id": "SELECT count(*) - count(DISTINCT history_id) FROM order_history",
    "lines of loaded orders not changed exactly once": (
        "SELECT count(*) FROM generate_series(1, 16000) AS n"
        " LEFT JOIN order_items AS i ON i.order_id = md5('order ' || n)::uuid AND i.line = 1"
        " WHERE i.quantity IS DISTINCT FROM 2 + n % 3"
    ),
    "lines of placed orders changed twice": (
        "SELECT count(*) FROM order_items AS i JOIN orders AS o ON o.id = i.order_id"
        " WHERE NOT o.metadata ? 'campaign' AND i.quantity NOT IN (1, 2)"
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """The loaded shop, to be copied; the schema that the files give when they run as written."""

    server: Server
    name: str
    files: Path
    config: Path
    schema: list[str]
    journal_tables: set[str]

    def tool(self, url: str) -> list[str]:
        return [f"--database={url}", f"--dir={self.files}", f"--config={self.config}"]


def open_shop(database: Database, folder: Path) -> Shop:
    """Load the shop once, and learn what the naive run makes of its schema."""
    files = folder / "migrations"
    shutil.copytree(samples.folder(), files)
    shutil.copytree(Path(__file__).parent / "migrations", files, dirs_exist_ok=True)
    config = folder / "migrate.toml"
    config.write_text(CONFIG)
    first, later = samples.history(files)
    arguments = ["apply", "--to", samples.version(first[-1])]
    options = [f"--database={database.url}", f"--dir={files}", f"--config={config}"]
    command = [sys.executable, "-m", "migrator", *arguments, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    shop.load(database.url, SIZE)
    with copied(database.server, database.name, "naive") as url:
        for file in later:
            naive.run(url, file, print)
        schema = comparison.schema(pg_dump_program(), url, journal=JOURNAL)
    return Shop(
        server=database.server,
        name=database.name,
        files=files,
        config=config,
        schema=schema,
        journal_tables=tables_of_journal(database.url),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """What happened while one copy was migrated."""

    kills: list[tuple[Kill, str]]
    codes: list[int]
    statements: int
    """Of the application, meanwhile."""


def one_pass(
    shop_: Shop, folder: Path, random: Random, budget: int, kinds: tuple[Kill, ...] = ONLY_SIGKILL
) -> Pass:
    """Migrate one copy under traffic and kills, and check everything."""
    folder.mkdir()
    with (
        copied(shop_.server, shop_.name, folder.name) as url,
        psycopg.connect(url, autocommit=True) as observer,
        behind_proxy(shop_.server) as proxy,
    ):
        options = shop_.tool(url)
        supervisor = Supervisor(
            options=shop_.tool(proxied(shop_.server, url, proxy)),
            log=folder / "migrate.log",
            random=random,
            observer=observer,
            journal=JOURNAL,
            budget=budget,
            kinds=kinds,
            cut=proxy.cut,
        )
        seed = random.randrange(10**6)
        with Application(url, folder / "traffic", orders=SIZE.orders, seed=seed, think=0.02) as application:
            watch = Stopwatch("run")
            migrate(supervisor, options, application)
            window = watch.window()
        check(shop_, url, application)
        summary = application.recording().summary(window)

        assert summary.statements > 0
        assert dict(summary.errors) == {}, application.recording().failures[:5]
    return Pass(kills=supervisor.kills, codes=supervisor.codes, statements=summary.statements)


@contextmanager
def behind_proxy(server: Server) -> Iterator[Proxy]:
    """A proxy that passes everything on, until it is told to reset what goes through it."""
    proxy = Proxy(shared_server(server).upstream, lambda *_: None)
    proxy.strict = False
    try:
        yield proxy
    finally:
        proxy.close()


def proxied(server: Server, url: str, proxy: Proxy) -> str:
    """The way through the proxy."""
    name = urlsplit(url).path.removeprefix("/")
    return shared_server(server).database_url(name, port=proxy.port)


def migrate(supervisor: Supervisor, options: list[str], application: Application) -> None:
    """Apply, release the application where contract steps wait, ask for them, apply the rest."""
    supervisor.complete("apply")
    released = False
    for _ in range(5):
        waiting = versions_waiting(options)
        if not waiting:
            return
        if not released:
            application.release()
            released = True
        supervisor.complete("contract", *waiting)
        supervisor.complete("apply")

    raise AssertionError(f"still waiting: {versions_waiting(options)}")


def versions_waiting(options: list[str]) -> list[str]:
    """The versions whose contract steps wait."""
    command = [sys.executable, "-m", "migrator", "status", "--format", "json", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

    migrations = json.loads(done.stdout)["migrations"]
    return [entry["version"] for entry in migrations if entry["state"] == "waiting"]


def check(shop_: Shop, url: str, application: Application) -> None:
    """Everything that must hold when the application has ended."""
    until(lambda: not sessions(url), what="the runner's sessions to end")
    ours = comparison.schema(pg_dump_program(), url, journal=JOURNAL)

    assert comparison.remains(url, journal=JOURNAL) == []
    assert comparison.differences(ours, shop_.schema) == []
    assert verification.faults(url, SIZE, application.ledger()) == []
    assert broken_promises(url) == []
    assert tables_of_journal(url) == shop_.journal_tables


def sessions(url: str) -> list[str]:
    """Sessions of a runner that were killed a moment ago."""
    return [
        line for line in comparison.remains(url, journal=JOURNAL) if line.startswith(("session", "advisory"))
    ]


def broken_promises(url: str) -> list[str]:
    """What the files of this test promise, and does not hold."""
    with psycopg.connect(url, autocommit=True) as connection:
        counted = {name: verification.one(connection, query) for name, query in PROMISES.items()}
    return [f"{number} {name}" for name, number in counted.items() if number]


def tables_of_journal(url: str) -> set[str]:
    """The tables of the journal's schema: captured keys must not stay there."""
    query = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = %s::regnamespace"
    with psycopg.connect(url, autocommit=True) as connection:
        return {name for (name,) in connection.execute(query, [JOURNAL])}


@contextmanager
def copied(server: Server, template: str, suffix: str) -> Iterator[str]:
    """A copy of a database, for as long as it is needed."""
    name = f"{template}_{suffix}"
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    with server.connect() as administrator:
        administrator.execute(create)
    try:
        yield server.database_url(name)
    finally:
        with server.connect() as administrator:
            administrator.execute(drop)
