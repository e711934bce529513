"""A database at one moment, read without taking a lock and without creating anything."""

from dataclasses import dataclass

import msgspec

from migrator.database.introspect import read_facts
from migrator.database.journal_store import JournalStore
from migrator.database.session import Connection, Connector
from migrator.database.translate import translating
from migrator.execution.journal import Journal
from migrator.policy import Policy
from migrator.postgres.facts import Facts


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """What a database's journal and its catalogs say."""

    journal: Journal
    facts: Facts
    place: str = ""
    """Host, port and database, for people."""

    @property
    def needs_baseline(self) -> bool:
        """Tables of users, and nothing that says which files they came from."""
        return self.facts.live and not self.journal.exists


def observe(connector: Connector, policy: Policy) -> Observation:
    """Read journal and catalogs in a read-only session."""
    with connector.session("plan", read_only=True) as connection, translating("reading the database"):
        journal = JournalStore(connection, policy.journal_schema).load()
        facts = read_facts(connection, journal_schema=policy.journal_schema)
        where = place(connection)
    return Observation(journal=journal, facts=_as_the_run_began(journal, facts), place=where)


def place(connection: Connection) -> str:
    """Return database, host and port of a session, for people."""
    info = connection.info
    return f"{info.dbname} on {info.host or 'this machine'}:{info.port}"


def _as_the_run_began(journal: Journal, facts: Facts) -> Facts:
    """A run that began on an empty database and was interrupted goes on so: nobody uses its tables yet."""
    began_empty = any(not record.live for record in journal.unfinished)
    return msgspec.structs.replace(facts, live=False) if began_empty else facts
