"""Facts of a live database, read from its catalogs in one snapshot, without standing in any lock queue.

The connection must be idle. Nothing is written and no setting of the session changes. Turning a definition
into text, or asking for a size, opens the relation (ACCESS SHARE): that would wait behind an ACCESS EXCLUSIVE
lock, so relations locked that way are left out of these calls and come back as `unread`, with no fingerprint.
Raises `StoppedSafely` where the catalogs change faster than they can be read, and psycopg's errors.
"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from typing import Any, TypeVar

import msgspec
from psycopg import Connection, RawCursor, errors

from migrator.database.fingerprint import digests, local_settings, set_lock_timeout
from migrator.database.queries import load
from migrator.database.sizes import Size, Statistics, with_sizes
from migrator.errors import StoppedSafely
from migrator.postgres.column_users import ColumnUser
from migrator.postgres.dependent import Dependent
from migrator.postgres.domains import Domain
from migrator.postgres.facts import (
    Column,
    Constraint,
    Facts,
    Function,
    Index,
    Relation,
    Trigger,
)
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.versions import ServerVersion

ATTEMPTS = 5
"""How often reading begins anew after a lock was taken, or a relation dropped, under it."""

LOCK_TIMEOUT_MS = 50
"""For locks that were not there when they were looked for."""

PATIENCE_S = 1.0
"""How long ACCESS EXCLUSIVE locks are given to go away by themselves: most are held for milliseconds."""

_LISTS: dict[str, Any] = {
    "columns": tuple[Column, ...],
    "constraints": tuple[Constraint, ...],
    "indexes": tuple[Index, ...],
    "triggers": tuple[Trigger, ...],
    "rules": tuple[str, ...],
    "column_users": tuple[ColumnUser, ...],
    "partition_key": tuple[str, ...],
    "needed_by": tuple[Dependent, ...],
    "publications": tuple[str, ...],
}
"""Queries that give (relation, JSON list); the name is also the field of `Relation`."""

_SINGLE = frozenset({"partition_of", "owned_by"})
"""Relatives of which there is one."""

_RETRIED = (errors.LockNotAvailable, errors.InternalError_, errors.UndefinedTable)
"""A lock taken, or a relation dropped ("could not open relation with OID"), while we were reading."""

_PATH_ELEMENT = re.compile(r'"(?P<quoted>(?:[^"]|"")*)"|(?P<plain>[^,\s"]+)')

_SINCE = 15
"""The first version with publications of whole schemas, and with a version of the database's collation."""

Decoded = TypeVar("Decoded")


def read_facts(connection: Connection[Any], *, journal_schema: str, patience_s: float = PATIENCE_S) -> Facts:
    """Return what there is to know of the connected database, except for our own journal."""
    last: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            return _read(connection, journal_schema, patience_s)
        except _RETRIED as error:
            last = error
    raise StoppedSafely(f"the catalogs change faster than they can be read: {last}")


def session_settings(settings: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Return (name, value as it may stand after SET name TO) for values as current_setting() gives them."""
    return tuple(
        (name, _path(value) if name == "search_path" else _literal(value)) for name, value in settings
    )


def _read(connection: Connection[Any], journal: str, patience_s: float) -> Facts:
    locked = _locked(connection, patience_s)
    names = {oid: QualifiedName(schema, name) for oid, schema, name in _rows(connection, "names", journal)}
    # Digests come before the snapshot: should a definition change in between, the digest is the old one, and
    # the plan is refused as stale. The other way round the change would go unnoticed.
    readable = [name for oid, name in names.items() if oid not in locked]
    fingerprints = digests(connection, readable, lock_timeout_ms=LOCK_TIMEOUT_MS)
    with connection.transaction(force_rollback=True):
        connection.execute(load("introspect.sql")["begin"])
        ((number, database, role, path, settings),) = _rows(connection, "session")
        connection.execute(local_settings())
        set_lock_timeout(connection, LOCK_TIMEOUT_MS)
        facts = Facts(
            server_version=ServerVersion(number),
            source="database",
            database=database,
            complete=True,
            search_path=tuple(path),
            settings=session_settings(_decode(settings, list[tuple[str, str]])),
            role=role,
        )
        facts = _with_names(connection, journal, facts)
        relations = _relations(connection, facts.server_version, list(names), sorted(locked))
    relations = tuple(msgspec.structs.replace(r, fingerprint=fingerprints.get(r.name)) for r in relations)
    live = any(relation.is_table and relation.extension is None for relation in relations)
    return msgspec.structs.replace(facts, relations=relations, live=live)


def _locked(connection: Connection[Any], patience_s: float) -> frozenset[int]:
    """Wait a little for ACCESS EXCLUSIVE locks of others to go; return the OIDs under those that stay."""
    deadline = time.monotonic() + patience_s
    while True:
        locked = frozenset(oid for (oid,) in _rows(connection, "locked"))
        if not locked or time.monotonic() >= deadline:
            return locked
        time.sleep(0.02)


def _with_names(connection: Connection[Any], journal: str, facts: Facts) -> Facts:
    ((functions,),) = _rows(connection, "functions", journal)
    ((types, constrained),) = _rows(connection, "types", journal)
    ((domains,),) = _rows(connection, "domains", journal)
    ((schemas,),) = _rows(connection, "schemas", journal)
    return msgspec.structs.replace(
        facts,
        functions=_decode(functions, tuple[Function, ...]),
        types=_decode(types, tuple[QualifiedName, ...]),
        constrained_domains=_decode(constrained, tuple[QualifiedName, ...]),
        domains=_decode(domains, tuple[Domain, ...]),
        schemas=tuple(schemas),
    )


def _relations(
    connection: Connection[Any], version: ServerVersion, oids: list[int], locked: list[int]
) -> tuple[Relation, ...]:
    fields: dict[int, dict[str, Any]] = defaultdict(dict)
    for name, kind in _LISTS.items():
        for oid, text in _rows(connection, name, oids, locked):
            fields[oid][name] = _decode(text, kind)
    for oid, name, text in _rows(connection, "relatives", oids):
        others = _decode(text, tuple[QualifiedName, ...])
        fields[oid][name] = others[0] if name in _SINGLE else others
    for name, flagged in _flags(connection, version, oids).items():
        for oid in flagged:
            fields[oid][name] = True
    sizes = {oid: Size(*size) for oid, *size in _rows(connection, "sizes", oids, locked)}
    return with_sizes(
        (
            msgspec.structs.replace(_decode(text, Relation), **fields[oid]),
            Statistics(tuples, pages),
            sizes.get(oid),
        )
        for oid, text, tuples, pages in _rows(connection, "relations", oids, locked)
    )


def _flags(connection: Connection[Any], version: ServerVersion, oids: list[int]) -> dict[str, list[int]]:
    """Return, for each flag of `Relation` that is found out apart, the relations that have it."""
    published_schemas: list[int] = []
    database_collation = False
    if version.major >= _SINCE:
        ((published_schemas,),) = _rows(connection, "published_schemas")
        ((database_collation,),) = _rows(connection, "database_collation")
    found = {
        "collation_mismatch": [
            oid for (oid,) in _rows(connection, "collation_mismatch", oids, database_collation)
        ]
    }
    for oid, name in _rows(connection, "published", oids, published_schemas):
        found.setdefault(name, []).append(oid)
    return found


def _rows(connection: Connection[Any], name: str, *parameters: object) -> list[Any]:
    """Run a query of introspect.sql with as many of the parameters as it has."""
    query = load("introspect.sql")[name]
    used = parameters if "$2" in query else parameters[:1]
    return RawCursor(connection).execute(query, used if "$1" in query else ()).fetchall()


def _decode(text: str, kind: type[Decoded]) -> Decoded:
    return msgspec.json.decode(text, type=kind)


def _path(value: str) -> str:
    """Return search_path as a list of literals: a single one would be one name; a bare `$user` is no name."""
    names = [
        match["plain"].lower() if match["quoted"] is None else match["quoted"].replace('""', '"')
        for match in _PATH_ELEMENT.finditer(value)
    ]
    return ", ".join(map(_literal, names)) or "''"


def _literal(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
