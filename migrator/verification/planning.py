"""The plan that is verified: the one that the database in use would get, not that of small scratch tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from migrator import __version__
from migrator.database.introspect import read_facts
from migrator.database.session import Connector
from migrator.database.translate import translating
from migrator.planner import plan
from migrator.shadow.workspace import workspace
from migrator.verification.before import make_before
from migrator.verification.request import History, Request

if TYPE_CHECKING:
    from collections.abc import Sequence

    from migrator.plan.plan import Plan
    from migrator.policy import Policy
    from migrator.postgres.facts import Facts, Index, Relation
    from migrator.shadow.servers import ShadowServer
    from migrator.sql.migration import Migration


def shadow_facts(url: str, policy: Policy, production: Facts | None) -> Facts:
    """Return the facts of the shadow, with the sizes of the database in use; unknown ones are large."""
    with Connector(conninfo=url).session("plan", read_only=True) as connection, translating("reading facts"):
        facts = read_facts(connection, journal_schema=policy.journal_schema)
    relations = tuple(_sized(relation, production) for relation in facts.relations)
    live = facts.live if production is None else production.live
    return replace(facts, source="shadow", database=None, live=live, relations=relations)


def facts_after(server: ShadowServer, migrations: Sequence[Migration], policy: Policy) -> Facts:
    """Return the facts of a database that these files make on a scratch server; sizes are unknown.

    Raises InputError where they do not run there, ConfigurationError where the server cannot be used.
    """
    with workspace(server) as space:
        request = Request(migrations=(), before=History(migrations=tuple(migrations)), policy=policy)
        url, _ = make_before(space, request, lambda _: None)
        return shadow_facts(url, policy, None)


def plan_for(migrations: Sequence[Migration], facts: Facts, policy: Policy) -> Plan:
    """Return the plan of the files for a database that is in use."""
    return plan(migrations, facts, replace(policy, disposable=False), tool_version=__version__)


def _sized(relation: Relation, production: Facts | None) -> Relation:
    known = None if production is None else production.relation(relation.name)
    if known is None:
        return replace(relation, rows=None, bytes=None)
    sizes = {index.name: index.bytes for index in known.indexes}
    indexes = tuple(_sized_index(index, sizes.get(index.name)) for index in relation.indexes)
    return replace(relation, rows=known.rows, bytes=known.bytes, indexes=indexes)


def _sized_index(index: Index, size: int | None) -> Index:
    return replace(index, bytes=size)
