"""The server on which scratch databases are made: one that is started here, or one that the user names.

`embedded`, `container:VERSION` (or `container:IMAGE`) and a URL. What is started here is stopped here, also
by the next one where this one is killed. Fails with ConfigurationError where a package, Docker or an image
is missing, with CannotConnect where the server does not answer.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import msgspec
from psycopg import conninfo

from migrator.errors import ConfigurationError
from migrator.shadow import container, embedded

if TYPE_CHECKING:
    from collections.abc import Iterator

EMBEDDED = "embedded"

CONTAINER = "container:"

_FORMS = "embedded, container:VERSION (or container:IMAGE), or a URL of a server for scratch databases"


class ShadowServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server that may have scratch databases."""

    url: str
    """Of a database of it, in which nothing is made."""
    name: str
    """For people: embedded, container:18, the host of a URL."""
    own: bool
    """It was started here, so roles may be made on it."""


@contextlib.contextmanager
def shadow_server(asked: str) -> Iterator[ShadowServer]:
    """Give the server for the length of a `with` block."""
    if asked == EMBEDDED:
        with embedded.running() as url:
            yield ShadowServer(url=url, name=asked, own=True)
    elif asked.startswith(CONTAINER) and asked != CONTAINER:
        with container.running(asked.removeprefix(CONTAINER)) as url:
            yield ShadowServer(url=url, name=asked, own=True)
    elif "://" in asked or "=" in asked:
        yield ShadowServer(url=asked, name=host_of(asked), own=False)
    else:
        raise ConfigurationError(f"{asked!r} is no shadow server", hint=f"--shadow takes {_FORMS}")


def host_of(url: str) -> str:
    """Return the host that a URL names, without anything secret."""
    try:
        parts = conninfo.conninfo_to_dict(url)
    except Exception as error:
        raise ConfigurationError("the address of the shadow server cannot be read") from error
    host = str(parts.get("host") or parts.get("service") or "")
    return "this machine" if not host or host.startswith("/") else host
