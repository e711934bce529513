"""A PostgreSQL server in a container, by testcontainers (the extra `container`): started and removed here.

Everything that testcontainers and Docker read from the environment holds. A container bears the process that
started it as a label, so that the next one removes what a killed one left, also where no reaper runs. Fails
with ConfigurationError where the package, Docker or the image is missing, CannotConnect where the server does
not come up.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import os
import secrets
import socket
import time
from typing import TYPE_CHECKING, Any

import psycopg

from migrator.errors import CannotConnect, ConfigurationError
from migrator.shadow.embedded import SETTINGS

if TYPE_CHECKING:
    from collections.abc import Iterator

LABEL = "migrator-shadow"
"""Its value names the process that will remove the container."""

_PORT = 5432

_PATIENCE_S = 60.0

_GONE = frozenset({404, 409})
"""Another process has removed it, or is at it."""


@contextlib.contextmanager
def running(image: str) -> Iterator[str]:
    """Give the URL of a new server of a version, or of an image, and remove it at the end."""
    if importlib.util.find_spec("testcontainers") is None:
        raise ConfigurationError(
            "a container as shadow needs the package testcontainers",
            hint="pip install 'pg-migrator[container]'",
        )
    name = f"postgres:{image}" if image.replace(".", "").isdigit() else image
    password = secrets.token_urlsafe(16)
    started = _start(name, password)
    try:
        url = _url(started, password)
        _wait(url, name)
        yield url
    finally:
        _remove(started.get_wrapped_container())


def _start(image: str, password: str) -> Any:  # noqa: ANN401  # of a package that is not always there
    docker = importlib.import_module("docker")
    core = importlib.import_module("testcontainers.core.container")
    flags = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    try:
        with contextlib.closing(docker.from_env()) as client:
            client.ping()
            _remove_abandoned(client)
        made = core.DockerContainer(image).with_env("POSTGRES_PASSWORD", password)
        made = made.with_exposed_ports(_PORT).with_command(["postgres", *flags])
        made.with_kwargs(labels={LABEL: f"{socket.gethostname()}:{os.getpid()}"}, shm_size="256m")
        return made.start()
    except (docker.errors.ImageNotFound, docker.errors.NotFound) as error:
        raise ConfigurationError(f"there is no image {image}: {error.explanation}") from error
    except docker.errors.DockerException as error:
        raise ConfigurationError(
            f"Docker gives no container of {image}: {str(error).splitlines()[0]}",
            hint="start Docker or set DOCKER_HOST; or take another server: --shadow embedded | URL",
        ) from error


def _url(started: Any, password: str) -> str:  # noqa: ANN401  # as above
    host, port = started.get_container_host_ip(), started.get_exposed_port(_PORT)
    return f"postgresql://postgres:{password}@{host}:{port}/postgres"


def _wait(url: str, image: str) -> None:
    """Wait for TCP: an image begins with a private server that only listens on its socket."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            psycopg.connect(url, connect_timeout=5).close()
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                reason = str(error).splitlines()[0]
                raise CannotConnect(f"the server of {image} does not answer: {reason}") from None
            time.sleep(0.1)
        else:
            return


def _remove(container: Any) -> None:  # noqa: ANN401  # as above
    errors = importlib.import_module("docker.errors")
    try:
        container.remove(force=True, v=True)
    except errors.APIError as error:
        if error.status_code not in _GONE:
            raise


def _remove_abandoned(client: Any) -> None:  # noqa: ANN401  # as above
    """Remove the containers of processes of this machine that are gone."""
    for container in client.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
        host, _, process = container.labels[LABEL].rpartition(":")
        if host == socket.gethostname() and not _runs(int(process)):
            _remove(container)


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
