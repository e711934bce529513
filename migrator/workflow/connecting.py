"""How the configured database is connected to; a password command runs at every connect: tokens expire."""

import os
import subprocess
from dataclasses import dataclass

from migrator.configuration import Configuration
from migrator.database.session import Connection, Connector
from migrator.errors import CannotConnect

PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandConnector(Connector):
    """Asks a command for the password whenever it connects."""

    password_command: tuple[str, ...] = ()

    def connect(self, purpose: str, *, autocommit: bool = True, read_only: bool = False) -> Connection:
        """Open a session with a fresh password; libpq takes it from the environment of this process."""
        os.environ["PGPASSWORD"] = _password(self.password_command)
        return Connector.connect(self, purpose, autocommit=autocommit, read_only=read_only)


def connector(settings: Configuration) -> Connector:
    """Return what opens sessions of the configured database."""
    if settings.password_command is None:
        return Connector(conninfo=settings.conninfo(), role=settings.role)
    return CommandConnector(
        conninfo=settings.conninfo(), role=settings.role, password_command=settings.password_command
    )


def _password(command: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)  # noqa: S603  # a program that the user named, or git, without a shell
    except (OSError, subprocess.SubprocessError) as error:
        raise CannotConnect(f"password_command {command[0]!r} failed: {type(error).__name__}") from None
    if done.returncode != 0 or not done.stdout.strip():
        raise CannotConnect(f"password_command {command[0]!r} gave no password (exit {done.returncode})")
    return done.stdout.splitlines()[0]
