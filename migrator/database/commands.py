"""SQL as values: a query with its parameters, and the few statements that the runner adds to a step's own.

Those are SET LOCAL, LOCK TABLE, BEGIN and COMMIT. Names are quoted; the values of a step's settings are
slices of the user's file, or literals of the planner's, that stand as they are after `SET name TO`.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import msgspec
from psycopg import sql

from migrator.database.queries import load
from migrator.plan.effect import RelationLock
from migrator.plan.step import SessionState
from migrator.postgres.identifiers import QualifiedName, quote
from migrator.postgres.lock_modes import LockMode


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One statement and its parameters; without parameters `%` and `$1` in it mean nothing."""

    query: bytes | sql.SQL | sql.Composed
    parameters: Mapping[str, Any] | None = None


def plain(text: str) -> Command:
    """Return a statement of the plan, exactly as it stands there."""
    return Command(query=text.encode())


BEGIN = plain("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
COMMIT = plain("COMMIT")
ROLLBACK = plain("ROLLBACK")
CONSTRAINTS_IMMEDIATE = plain("SET CONSTRAINTS ALL IMMEDIATE")
_SET = (
    b"SELECT set_config(name, value, true) "
    b"FROM unnest(%(names)s::text[], %(values)s::text[]) AS s (name, value)"
)
_ASK = b"SELECT name, current_setting(name) FROM unnest(%(names)s::text[]) AS s (name)"
COMMIT_LOCALLY = plain("SET LOCAL synchronous_commit TO local")


def journal_query(file: str, name: str, schema: str, parameters: Mapping[str, Any] | None = None) -> Command:
    """Return the named query of one of our files, for the journal in `schema`."""
    return Command(query=_composed(file, name, schema, binds=parameters is not None), parameters=parameters)


@cache
def _composed(file: str, name: str, schema: str, *, binds: bool) -> bytes:
    """Where parameters are bound a `%` of the schema's name is doubled, or psycopg would take it for one."""
    query = sql.SQL(load(file)[name])
    quoted = query.format(journal=sql.Identifier(schema)).as_bytes(None)
    doubled = query.format(journal=sql.Identifier(schema.replace("%", "%%"))).as_bytes(None)
    return doubled if binds else quoted


def set_session(settings: Mapping[str, int | str]) -> Command:
    """Return one SELECT that sets our own settings for the session; numbers are milliseconds."""
    return Command(query=_SET.replace(b"true", b"false"), parameters=_pairs(settings))


def current_settings(names: Sequence[str]) -> Command:
    """Return a query for settings of the session, by these names: name and value."""
    return Command(query=_ASK, parameters={"names": list(names)})


def set_local(settings: Mapping[str, int | str]) -> Command:
    """Return one SELECT that sets our own settings for the transaction; numbers are milliseconds."""
    return Command(query=_SET, parameters=_pairs(settings))


def _pairs(settings: Mapping[str, int | str]) -> dict[str, list[str]]:
    return {"names": list(settings), "values": [str(value) for value in settings.values()]}


def enter_session(state: SessionState, *, local: bool = True) -> list[Command]:
    """Return the SETs that give a step its session state; for the transaction, or else for the session."""
    word = "SET LOCAL" if local else "SET"
    commands = [] if state.role is None else [plain(f"{word} ROLE {quote(state.role)}")]
    return commands + [plain(f"{word} {_setting(name)} TO {value}") for name, value in state.settings]


def own_role(state: SessionState, role: str | None) -> list[Command]:
    """Return what makes us ourselves again in a step's transaction, where it has a role of its own."""
    if state.role is None:
        return []
    return [plain("SET LOCAL ROLE NONE" if role is None else f"SET LOCAL ROLE {quote(role)}")]


def step_role(state: SessionState) -> list[Command]:
    """Return what takes the step's role again after `own_role`."""
    return [] if state.role is None else [plain(f"SET LOCAL ROLE {quote(state.role)}")]


def lock_table(lock: RelationLock, *, nowait: bool) -> Command:
    """Return LOCK TABLE for one relation, with its partitions and children."""
    return plain(f"LOCK TABLE {lock.relation.quoted} IN {lock.mode} MODE{' NOWAIT' if nowait else ''}")


def wait_courteously(relation: QualifiedName) -> Command:
    """Return LOCK TABLE in the mode that waits for autovacuum and blocks neither reads nor writes."""
    return lock_table(RelationLock(relation, LockMode.SHARE_UPDATE_EXCLUSIVE), nowait=False)


def names_of(relations: Sequence[QualifiedName]) -> dict[str, list[str]]:
    """Return the parameters `schemas` and `names` of our queries."""
    return {"schemas": [r.schema or "public" for r in relations], "names": [r.name for r in relations]}


def _setting(name: str) -> str:
    """Quote a setting's name, part by part: `myapp.tenant`."""
    return ".".join(quote(part) for part in name.split("."))
