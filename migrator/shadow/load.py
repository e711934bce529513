"""A dump of a schema, executed on a new scratch database.

Roles that are missing are made where the server was started here. Passed over, and said, is what would lead
to other servers: subscriptions and user mappings. Fails with InputError at the statement that the server
refuses, with ConfigurationError where roles are missing that cannot be made.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg

from migrator.database.translate import message_of
from migrator.errors import ConfigurationError, InputError
from migrator.shadow import roles
from migrator.sql.syntax import CreateSchema

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.shadow.workspace import Workspace
    from migrator.sql.dump import Part

MISSING_ROLE = re.compile(r'role "(?P<name>[^"]+)" does not exist')

_DUPLICATE_SCHEMA = "42P06"

_ROLES = 100
"""More are not made for one statement."""


def load(workspace: Workspace, url: str, parts: Sequence[Part]) -> tuple[str, ...]:
    """Execute all statements in one session; return what was passed over."""
    passed: list[str] = []
    with psycopg.connect(url, autocommit=True, application_name="migrator verify") as connection:
        cursor = psycopg.RawCursor(connection)
        for part in parts:
            if _leads_elsewhere(part):
                passed.append(f"{part.at}: {' '.join(part.words[:3]).upper()} was passed over")
                continue
            for _ in range(_ROLES):
                try:
                    _execute(cursor, part)
                except psycopg.Error as error:
                    if not _go_on(workspace, part, error, passed):
                        break
                else:
                    break
    return tuple(passed)


def execute_each(url: str, statements: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Execute what makes each thing; return, for what the server refuses, why."""
    refused = []
    with psycopg.connect(url, autocommit=True, application_name="migrator verify") as connection:
        cursor = psycopg.RawCursor(connection)
        for what, text in statements:
            try:
                cursor.execute(text.encode())
            except psycopg.Error as error:
                refused.append(f"{what} is not in the database before: {message_of(error)}")
    return tuple(refused)


def _execute(cursor: psycopg.RawCursor[tuple[object, ...]], part: Part) -> None:
    if part.data is None:
        cursor.execute(part.text.encode())
    else:
        with cursor.copy(part.text.encode()) as stream:
            stream.write(part.data)


def _leads_elsewhere(part: Part) -> bool:
    return part.words[1:2] == ("subscription",) or part.words[1:3] == ("user", "mapping")


def _go_on(workspace: Workspace, part: Part, error: psycopg.Error, passed: list[str]) -> bool:
    """Mend what can be mended and return whether to try again; raise what cannot be passed over."""
    missing = MISSING_ROLE.search(str(error))
    if missing is not None and workspace.server.own:
        roles.make(workspace.keeper, missing["name"])
        return True
    if missing is not None:
        raise ConfigurationError(
            f"the shadow server has no role {missing['name']}, and roles are not made on a server of others",
            at=part.at,
            hint="make it there, dump with --no-owner --no-privileges, or take: --shadow embedded",
        )
    if isinstance(part.command, CreateSchema) and error.sqlstate == _DUPLICATE_SCHEMA:
        return False
    if part.words[:1] == ("set",):
        passed.append(f"{part.at}: {part.text}: {message_of(error)}")
        return False
    raise InputError(f"the shadow server refuses this: {message_of(error)}", at=part.at) from None
