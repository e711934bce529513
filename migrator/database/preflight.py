"""What can be known to fail before the first step: the wrong server, a pooler in between, missing rights.

Everything that is missing is said at once, each with the statement that mends it. Nothing is locked or
written. Fails with PreflightError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, assert_never

from psycopg import Connection, RawCursor
from psycopg.rows import namedtuple_row

from migrator.database.queries import load
from migrator.database.requirements import Requirement, Right, builds_indexes, requirements
from migrator.errors import PreflightError
from migrator.postgres.identifiers import quote
from migrator.postgres.versions import NEWEST_KNOWN, OLDEST_SUPPORTED, ServerVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from migrator.plan.plan import Plan
    from migrator.policy import Policy

POOLER_PROBES = 3
"""A pool that is busy may hand out another server connection by chance."""

_SET_OPTION_SINCE = 16
"""From there on membership without the SET option does not allow SET ROLE."""

_POOLER_HINT = "connect to the server itself, or to a pool in session mode"


def check(
    connection: Connection[Any],
    plan: Plan,
    policy: Policy,
    *,
    connect: Callable[[], Connection[Any]] | None = None,
) -> tuple[str, ...]:
    """Return warnings, or raise PreflightError with all that is missing.

    `connection` is idle and in autocommit; `connect` opens another one like it, to tell a pooler in
    transaction mode from one in session mode. Without it every pooler is refused.
    """
    _refuse_pooler(connection, connect)
    rows = RawCursor(connection).execute(load("preflight.sql")["server"], [policy.journal_schema]).fetchall()
    ((standby, read_only, number, role, database, journal_there, journal_allowed),) = rows
    version = ServerVersion(number)
    missing = [*_wrong_server(version, plan, standby=standby, read_only=read_only)]
    if not journal_allowed:
        missing.append(_journal(role, database, policy.journal_schema, there=journal_there))
    missing += _unseen(connection)
    missing += _cannot_end_sessions(connection, policy)
    missing += _missing_rights(connection, version, role, database, requirements(plan))
    if missing:
        what = "; ".join(missing) if len(missing) == 1 else "".join(f"\n- {each}" for each in missing)
        raise PreflightError(f"nothing was begun: {what}")
    unknown = f"PostgreSQL {version} is newer than what this version was tested with ({NEWEST_KNOWN})"
    return (unknown,) if version.major > NEWEST_KNOWN else ()


def _unseen(connection: Connection[Any]) -> Iterator[str]:
    """Say what a role lacks that was taken by SET ROLE: a later run has to find and to end our sessions."""
    row = connection.execute(load("preflight.sql")["own session"]).fetchone()
    if row is not None and not row[2]:
        login, role, _ = row
        yield (
            f"{role} may not see and end the sessions of {login}, which a later run must: "
            f"GRANT pg_read_all_stats, pg_signal_backend TO {quote(role)};"
        )


def _refuse_pooler(connection: Connection[Any], connect: Callable[[], Connection[Any]] | None) -> None:
    """Raise where a transaction pooler stands in between: it gives each transaction any server connection.

    Session settings, advisory locks and the runner's own lock would be lost, or left to a stranger.
    """
    pooled = connection.pgconn.backend_pid != _backend(connection)
    if pooled and connect is None:
        raise PreflightError("a connection pooler stands between us and the server", hint=_POOLER_HINT)
    for _ in range(POOLER_PROBES if connect is not None else 0):
        if connect is not None and _changes_backend(connection, connect):
            raise PreflightError(
                "a transaction pooler (such as PgBouncer with pool_mode = transaction) stands between us and "
                "the server: settings and locks of a session do not survive there",
                hint=_POOLER_HINT,
            )
        if not pooled:
            return


def _changes_backend(connection: Connection[Any], connect: Callable[[], Connection[Any]]) -> bool:
    """Whether the server process changes while another session holds a transaction open."""
    before = _backend(connection)
    other = connect()
    try:
        with other.transaction():
            _backend(other)
            return _backend(connection) != before
    finally:
        other.close()


def _backend(connection: Connection[Any]) -> int:
    row = connection.execute(load("preflight.sql")["backend"]).fetchone()
    return int(row[0]) if row else 0


def _wrong_server(version: ServerVersion, plan: Plan, *, standby: bool, read_only: bool) -> Iterator[str]:
    if standby:
        yield "this server is a standby: connect to the primary (target_session_attrs=read-write)"
    elif read_only:
        yield (
            "transactions are read-only by default (default_transaction_read_only is on for this server, "
            "database or role): somebody means nothing to be written here"
        )
    if version.major < OLDEST_SUPPORTED:
        yield f"PostgreSQL {version} is too old: {OLDEST_SUPPORTED} is the first that is supported"
    if version.concurrent_builds_corrupt and builds_indexes(plan):
        yield f"CREATE INDEX CONCURRENTLY may corrupt indexes on PostgreSQL {version}: update to 14.4"


def _cannot_end_sessions(connection: Connection[Any], policy: Policy) -> Iterator[str]:
    """Ending a session takes the right to, and the right to see whose it is and what it does."""
    if policy.terminate_blockers_s is None:
        return
    row = RawCursor(connection).execute(load("blockers.sql")["may end sessions"]).fetchone()
    superuser, signal, stats, role = row or (False, False, False, "")
    lacking = [name for name, has in (("pg_signal_backend", signal), ("pg_read_all_stats", stats)) if not has]
    if lacking and not superuser:
        yield f"ending sessions in the way (terminate_blockers): GRANT {', '.join(lacking)} TO {quote(role)}"


def _journal(role: str, database: str, schema: str, *, there: bool) -> str:
    if there:
        return f"the journal: GRANT USAGE, CREATE ON SCHEMA {quote(schema)} TO {quote(role)}"
    return (
        f"the journal's schema cannot be created: GRANT CREATE ON DATABASE {quote(database)} TO {quote(role)}"
    )


def _missing_rights(
    connection: Connection[Any], version: ServerVersion, me: str, database: str, needed: Sequence[Requirement]
) -> Iterator[str]:
    roles = sorted({each.role for each in needed if each.role is not None})
    privilege = "SET" if version.major >= _SET_OPTION_SINCE else "MEMBER"
    usable = {me}
    known = RawCursor(connection).execute(load("preflight.sql")["roles"], [roles, privilege]).fetchall()
    for name, exists, settable in known:
        if not exists:
            yield f"the role {quote(name)} does not exist"
        elif not settable:
            yield f"SET ROLE {quote(name)} is not allowed: GRANT {quote(name)} TO {quote(me)}"
        else:
            usable.add(name)
    asked = [each for each in needed if (each.role or me) in usable]
    triples = {(each.role or me, each.relation.schema, each.relation.name) for each in asked}
    parameters = [[triple[part] for triple in triples] for part in range(3)]
    rights = _named(connection).execute(load("preflight.sql")["rights"], parameters).fetchall()
    found = {(row.role, row.schema, row.name): row for row in rights}
    messages = (
        _message(each, found[each.role or me, each.relation.schema, each.relation.name], database)
        for each in asked
    )
    yield from dict.fromkeys(message for message in messages if message is not None)


def _message(needed: Requirement, row: Any, database: str) -> str | None:  # noqa: ANN401  # a row of `rights`
    """Return what is missing and the statement that mends it, None where nothing is."""
    role, relation = quote(row.role), needed.relation.quoted
    if not row.exists:
        return None if needed.right in {Right.UPDATE, Right.SEE_ALL_ROWS} else _create(row, database)
    match needed.right:
        case Right.OWN:
            mend = f"GRANT {quote(row.owner)} TO {role}, or ALTER TABLE {relation} OWNER TO {role}"
            return None if row.owns else f"{relation} belongs to {row.owner}: {mend}"
        case Right.CREATE:
            return _create(row, database)
        case Right.REFERENCE:
            allowed = row.references_it or row.owns
            return None if allowed else f"a foreign key to it: GRANT REFERENCES ON {relation} TO {role}"
        case Right.UPDATE:
            return (
                None if row.updates else f"its rows are filled: GRANT SELECT, UPDATE ON {relation} TO {role}"
            )
        case Right.SEE_ALL_ROWS:
            force = (
                f", or ALTER TABLE {relation} NO FORCE ROW LEVEL SECURITY" if row.forced and row.owns else ""
            )
            hidden = (
                f"row level security of {relation} hides rows from {role}: ALTER ROLE {role} BYPASSRLS{force}"
            )
            return None if row.sees_all_rows else hidden
        case _:
            assert_never(needed.right)


def _create(row: Any, database: str) -> str | None:  # noqa: ANN401  # a row of `rights`
    role = quote(row.role)
    if not row.schema_exists:
        mend = f"GRANT CREATE ON DATABASE {quote(database)} TO {role}"
        return None if row.creates_schemas else f"a schema is created: {mend}"
    return (
        None if row.creates else f"something is created: GRANT CREATE ON SCHEMA {quote(row.schema)} TO {role}"
    )


def _named(connection: Connection[Any]) -> RawCursor[Any]:
    return RawCursor(connection, row_factory=namedtuple_row)
