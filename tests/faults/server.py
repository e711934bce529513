"""Servers for the faults, and what can be done to the machine below them: a crash, a process stopped.

They have a synchronous standby that does not exist, and commits that do not wait for it: so one commit can be
made to wait for as long as a fault needs. A server that others use beside is neither crashed nor so set up.
"""

import contextlib
import os
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

import docker
import psycopg
from docker.models.containers import Container

from migrator.shadow import embedded
from tests import servers
from tests.faults.proxy import to_port, to_socket_file
from tests.schema_dump import pg_dump_program
from tests.servers import Server

_STANDBY = "nobody"

SETTINGS = {**embedded.SETTINGS, "synchronous_standby_names": _STANDBY, "autovacuum": "off"}


class Machine(Protocol):
    """What is below a server."""

    def crash(self) -> None:
        """`pg_ctl stop -m immediate`: every process quits at once. Then start it, which recovers."""

    def signal(self, pid: int, number: signal.Signals) -> None:
        """Stop a process where it is, or let it go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultServer:
    """Where it is, and what can be done to it."""

    url: str
    """Of the database `postgres`, as a superuser."""
    upstream: Callable[[], socket.socket]
    version: int
    machine: Machine | None
    """None where others use it beside."""

    def database_url(self, name: str, *, user: str | None = None, port: int | None = None) -> str:
        """The URL of a database, as a role of ours; through a proxy where its port is given."""
        parts = urlsplit(self.url)
        where = parts.netloc.rpartition("@")[2] if port is None else f"127.0.0.1:{port}"
        who = parts.netloc.rpartition("@")[0] if user is None else f"{user}:{user}"
        query = parts.query if port is None else "sslmode=disable&gssencmode=disable"
        return parts._replace(netloc=f"{who}@{where}", path=f"/{name}", query=query).geturl()

    def connect(self, name: str = "postgres") -> psycopg.Connection[Any]:
        """An autocommit connection of a superuser."""
        return psycopg.connect(self.database_url(name), autocommit=True, application_name="observer")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedMachine:
    """The machine that this runs on."""

    folder: Path
    directory: str
    """Of the server's socket."""

    def crash(self) -> None:
        """As the protocol says."""
        self._control("-m", "immediate", "stop")
        self._control("-o", f'-h "" -k {self.directory}', "-l", f"{self.folder}/data/log", "start")

    def signal(self, pid: int, number: signal.Signals) -> None:
        """As the protocol says."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def _control(self, *words: str) -> None:
        data = self.folder / "data"
        owner = data.stat().st_uid if os.geteuid() == 0 else None
        command = [str(pg_dump_program().parent / "pg_ctl"), "-D", str(data), "-w", *words]
        subprocess.run(command, check=True, user=owner, stdout=subprocess.DEVNULL, timeout=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerMachine:
    """A container, whose first process is the server."""

    server: Server
    container: Container

    def crash(self) -> None:
        """As the protocol says: SIGQUIT is what pg_ctl sends."""
        self.container.kill(signal="SIGQUIT")
        self.container.wait()
        self.container.start()
        servers.wait_until_ready(self.server)

    def signal(self, pid: int, number: signal.Signals) -> None:
        """As the protocol says; a process may have gone."""
        self.container.exec_run(["bash", "-c", f"kill -{number.value} {pid}"])


@contextlib.contextmanager
def embedded_server() -> Iterator[FaultServer]:
    """Start one, and remove it afterwards."""
    folder = Path(mkdtemp(prefix="migrator-faults-"))
    try:
        url = embedded.start(folder, SETTINGS)
        directory = parse_qs(urlsplit(url).query)["host"][0]
        with psycopg.connect(url) as connection:
            version = connection.info.server_version // 10_000
        machine = EmbeddedMachine(folder=folder, directory=directory)
        yield FaultServer(url=url, upstream=to_socket_file(Path(directory)), version=version, machine=machine)
    finally:
        embedded.stop(folder)
        rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def container_server(version: int) -> Iterator[FaultServer]:
    """Start a container, and remove it afterwards."""
    owner = f"{socket.gethostname()}:{os.getpid()}"
    server = servers.start_container(version, owner=owner, port=_free_port(), lasting=True)
    try:
        with server.connect() as administrator:
            administrator.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{_STANDBY}'".encode())
            administrator.execute("SELECT pg_reload_conf()")
        with contextlib.closing(docker.from_env()) as client:
            machine = ContainerMachine(server=server, container=client.containers.get(server.container))
            yield shared_server(server, machine)
    finally:
        servers.remove_container(server.container)


def shared_server(server: Server, machine: Machine | None = None) -> FaultServer:
    """One that may have other users."""
    parts = urlsplit(server.url)
    upstream = (
        to_port(parts.hostname or "127.0.0.1", parts.port or 5432)
        if server.container
        else to_socket_file(Path(parse_qs(parts.query)["host"][0]))
    )
    return FaultServer(url=server.url, upstream=upstream, version=server.version, machine=machine)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
