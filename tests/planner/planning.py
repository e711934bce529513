"""Plans of a few lines of SQL for the tests of the planner."""

from msgspec.structs import replace

from migrator.plan.plan import Plan
from migrator.planner import fold, plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.postgres.versions import ServerVersion
from migrator.sql.migration import Migration, read_migration

EMPTY = Facts(server_version=ServerVersion(180004), live=False, complete=True, schemas=("public",))


def migration(text: str, version: str = "0001") -> Migration:
    return read_migration(text, file=f"{version}_test.sql", version=version, name="test")


def facts(schema: str, *, live: bool = True) -> Facts:
    """Facts of a database with large tables that are in use."""
    folded = fold([migration(schema)], EMPTY, Policy())
    relations = tuple(
        replace(r, rows=5_000_000, bytes=1 << 30, created_in_plan=False, fingerprint=f"digest of {r.name}")
        for r in folded.relations
    )
    return replace(folded, live=live, relations=relations)


def planned(schema: str, *texts: str, policy: Policy | None = None) -> Plan:
    files = [migration(text, f"{number:04}") for number, text in enumerate(texts, start=1)]
    return plan(files, facts(schema), policy or Policy(), tool_version="test")
