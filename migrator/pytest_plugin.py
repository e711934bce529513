"""pytest plugin: a database for each test, copied from a template that has been migrated once.

Loaded by every pytest that this package is installed beside, so it imports nothing of it, nor psycopg, until
a test asks for one of the fixtures. docs/testing.md describes options and fixtures.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.shadow.scratch import Scratch

_FOLDER = "migrate_folder"
"""The key under which a worker of pytest-xdist is told where the embedded server lives."""

_KEY = pytest.StashKey[Path]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and settings."""
    group = parser.getgroup("migrate", "databases migrated by migrate")
    group.addoption("--migrate-database", metavar="URL", help="Server for the databases of tests.")
    group.addoption("--migrate-dir", metavar="PATH", help="Folder of the migration files.")
    parser.addini("migrate_database", "Server for the databases of tests; default: DATABASE_URL, embedded.")
    parser.addini("migrate_dir", "Folder of the migration files; default: as migrate.toml says.")
    parser.addini("migrate_keep", "Keep the template for the next run.", type="bool", default=False)


def pytest_configure(config: pytest.Config) -> None:
    """Choose a folder for the embedded server; nothing is made yet."""
    given = getattr(config, "workerinput", {}).get(_FOLDER)
    own = Path(tempfile.gettempdir()) / f"migrate-pytest-{os.getpid()}"
    config.stash[_KEY] = Path(given) if given else own


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:  # noqa: ANN401  # of pytest-xdist, which may not be there
    """Tell a worker of pytest-xdist where the embedded server lives, so that they share it."""
    node.workerinput[_FOLDER] = str(node.config.stash[_KEY])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the embedded server, if one was started; workers leave that to their controller."""
    folder = config.stash.get(_KEY, None)
    if folder is not None and not hasattr(config, "workerinput") and folder.is_dir():
        from migrator.shadow import embedded  # noqa: PLC0415  # only where it was used

        embedded.stop(folder)


@pytest.fixture(scope="session")
def migrated_template(request: pytest.FixtureRequest) -> Iterator[Scratch]:
    """The template: `copy()` makes a database and gives its address, `drop(url)` ends it."""
    from migrator import api  # noqa: PLC0415  # loads sqlglot and psycopg
    from migrator.errors import MigrateError  # noqa: PLC0415  # as above
    from migrator.shadow.scratch import scratch  # noqa: PLC0415  # as above

    config = request.config
    try:
        files, url = _directory(config), _server(config)
        opened = scratch(
            url,
            project=str(config.rootpath),
            digest=_digest(files),
            session=uuid.uuid4().hex,
            make=lambda address: _migrate(api, address, files),
            keep=bool(config.getini("migrate_keep")),
        )
        databases = opened.__enter__()  # so that a failure of the test is not taken for ours
    except MigrateError as error:
        hint = f"\nhint: {error.hint}" if error.hint else ""
        pytest.fail(f"migrate: {error}{hint}", pytrace=False)
    yield databases
    opened.__exit__(None, None, None)


@pytest.fixture
def migrated_database_url(migrated_template: Scratch) -> Iterator[str]:
    """The address of a migrated database that the test has for itself."""
    url = migrated_template.copy()
    yield url
    migrated_template.drop(url)


def _migrate(api: Any, address: str, files: Path) -> None:  # noqa: ANN401  # a module
    api.apply(address, files, disposable=True)


def _server(config: pytest.Config) -> str:
    named = (
        config.getoption("--migrate-database")
        or config.getini("migrate_database")
        or os.environ.get("DATABASE_URL")
    )
    if named:
        return str(named)
    from migrator.shadow import embedded  # noqa: PLC0415  # only where it is used

    return embedded.start(config.stash[_KEY])


def _directory(config: pytest.Config) -> Path:
    named = config.getoption("--migrate-dir") or config.getini("migrate_dir")
    if named:
        return config.rootpath / str(named)
    from migrator import configuration  # noqa: PLC0415  # only where it is used

    settings = configuration.load(start=config.rootpath)
    return (config.rootpath if settings.file is None else Path.cwd()) / settings.directory


def _digest(files: Path) -> str:
    """Return what tells two histories apart: names and contents of the files, and who runs them."""
    from migrator import __version__, history  # noqa: PLC0415  # only where it is used

    digest = hashlib.sha256(__version__.encode())
    for file in history.list_files(files):
        digest.update(f"\0{file.path.name}\0".encode())
        digest.update(file.path.read_bytes())
    return digest.hexdigest()
