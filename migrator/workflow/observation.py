"""A database at one moment, read without taking a lock and without creating anything."""

from collections.abc import Collection

import msgspec

from migrator.database.calibration import read_measured
from migrator.database.introspect import read_facts
from migrator.database.journal_store import JournalStore
from migrator.database.session import Connection, Connector
from migrator.database.translate import translating
from migrator.execution.journal import Journal
from migrator.policy import Policy
from migrator.postgres.facts import Facts


class Observation(msgspec.Struct, frozen=True, kw_only=True):
    """What a database's journal and its catalogs say."""

    journal: Journal
    facts: Facts
    place: str = ""
    """Host, port and database, for people."""

    @property
    def needs_baseline(self) -> bool:
        """Tables of users, and nothing that says which files they came from."""
        return self.facts.live and not self.journal.exists

    def facts_for(self, versions: Collection[str]) -> Facts:
        """Return the facts for planning these pending files.

        A run that began on a database not in use and was interrupted goes on so: the tables it made are not
        in use yet. That holds for the files that it set out to begin, and for no others.
        """
        resumed = bool(versions) and self.journal.began_unused.issuperset(versions)
        return msgspec.structs.replace(self.facts, live=False) if resumed else self.facts


def observe(connector: Connector, policy: Policy) -> Observation:
    """Read journal and catalogs in a read-only session."""
    with connector.session("plan", read_only=True) as connection, translating("reading the database"):
        journal = JournalStore(connection, policy.journal_schema).load()
        facts = read_facts(connection, journal_schema=policy.journal_schema)
        measured = read_measured(connection, policy.journal_schema)
        where = place(connection)
    facts = msgspec.structs.replace(facts, measured=measured)
    return Observation(journal=journal, facts=facts, place=where)


def place(connection: Connection) -> str:
    """Return database, host and port of a session, for people."""
    info = connection.info
    name = info.dbname.replace("\n", r"\n")
    return f"{name} on {info.host or 'this machine'}:{info.port}"
