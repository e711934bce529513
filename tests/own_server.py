"""A server that one test has to itself, because it restarts it, kills it or makes a standby of it.

Only containers can do that; where there are none such a test is skipped. The port survives restarts.
"""

import contextlib
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import docker
from docker.models.containers import Container

from tests import servers
from tests.servers import Choice, NoServerError, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnServer:
    """A container of its own; `server.url` and `server.connect()` as of a shared one."""

    server: Server
    container: Container

    @property
    def url(self) -> str:
        return self.server.url

    def restart(self) -> None:
        """Shut the server down as an operator would, start it again and wait until it answers."""
        self.container.restart(timeout=30)
        servers.wait_until_ready(self.server)

    def kill(self) -> None:
        """Kill every process of the server at once."""
        self.container.kill()

    def start(self) -> None:
        """Start it after `kill` and wait until it answers."""
        self.container.start()
        servers.wait_until_ready(self.server)

    def freeze(self) -> None:
        """Stop every process of the server where it is: connections stay open and nothing answers."""
        self.container.pause()

    def thaw(self) -> None:
        """Let them go on."""
        self.container.unpause()

    def become_standby(self) -> None:
        """Restart in recovery: queries are answered, writing is refused. It follows no primary."""
        with self.server.connect() as connection:
            row = connection.execute("SHOW data_directory").fetchone()
        assert row is not None

        done = self.container.exec_run(["bash", "-c", f"> {row[0]}/standby.signal"])
        assert done.exit_code == 0, done.output

        self.restart()


@contextlib.contextmanager
def own_server(choice: Choice, version: int) -> Iterator[OwnServer]:
    """Start one, and remove it afterwards."""
    if not choice.docker:
        message = "a server of its own needs a container, and Docker does not answer"
        raise NoServerError(message)
    server = servers.start_container(version, owner=choice.owner, port=_free_port(), lasting=True)
    try:
        with contextlib.closing(docker.from_env()) as client:
            yield OwnServer(server=server, container=client.containers.get(server.container))
    finally:
        servers.remove_container(server.container)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return cast("int", probe.getsockname()[1])
