"""A history on an empty database, by `apply` and by psql; and each file judged as in a pull request.

The judgement plans each file with the facts that the files before it leave, as if all tables were large and
in use: what somebody would be shown who writes this file for a busy database.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import psycopg

from benchmarks.histories import naive
from benchmarks.histories.record import Counts, said
from benchmarks.histories.source import History
from migrator import __version__, planner, workflow
from migrator.database.introspect import read_facts
from migrator.database.session import Connector
from migrator.execution.events import Silent
from migrator.execution.journal import MigrationState
from migrator.execution.options import Provenance, RunOptions
from migrator.policy import Policy
from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.sql.migration import Migration
from tests.schema_dump import schema

OPTIONS = RunOptions(provenance=Provenance(tool_version="histories", os_user="tester", host="here"), wait_s=0)


@dataclass(slots=True, kw_only=True)
class EmptyRecord:
    """What became of a history on an empty database."""

    history: str
    counts: Counts = field(default_factory=Counts)
    seconds: float = 0.0
    """Of `apply`, planning included."""
    psql_seconds: float = 0.0
    equal: bool = False
    findings: list[str] = field(default_factory=list)
    """Warnings and errors of the judgement, a line each."""


def run(history: History, directory: Path, ours: str, theirs: str, *, judge: bool = True) -> EmptyRecord:
    """Apply the history to the empty databases at two URLs."""
    migrations = history.copy_to(directory)
    record = EmptyRecord(history=history.name)
    if judge:
        _judge(record, migrations, ours)
    started = time.perf_counter()
    apply_all(ours, migrations)
    record.seconds = time.perf_counter() - started
    started = time.perf_counter()
    naive.run_files(theirs, [(path, path.name in history.in_one_transaction) for path in history.files])
    record.psql_seconds = time.perf_counter() - started
    record.equal = schema(ours) == schema(theirs)
    return record


def apply_all(url: str, migrations: Sequence[Migration]) -> None:
    """As `migrate apply` does; raises where anything is left."""
    connector = Connector(conninfo=url)
    result = workflow.apply(connector, migrations, Policy(), OPTIONS, Silent())
    left = [o.version for o in result.outcomes if o.state is not MigrationState.APPLIED]
    if left:
        raise RuntimeError(f"not applied: {', '.join(left)}")


def _judge(record: EmptyRecord, migrations: Sequence[Migration], url: str) -> None:
    """Plan each file from what the ones before it leave, as the planner folds it."""
    with psycopg.connect(url, autocommit=True) as connection:
        facts = read_facts(connection, journal_schema="migrator")
    for migration in migrations:
        plan = planner.plan([migration], facts, Policy(), tool_version=__version__)
        record.counts.add(plan)
        record.findings += [said(h) for h in plan.hazards if h.severity.rank > 0]
        folded = planner.fold([migration], facts, Policy())
        facts = msgspec.structs.replace(large(folded), live=True, complete=True)


def large(facts: Facts) -> Facts:
    """The same database with everything in use, and tables of an unknown, so a large, size."""
    functions = tuple(msgspec.structs.replace(f, created_in_plan=False) for f in facts.functions)
    relations = tuple(_large(facts.relations))
    return msgspec.structs.replace(facts, relations=relations, functions=functions, new_types=())


def _large(relations: Sequence[Relation]) -> Iterator[Relation]:
    for relation in relations:
        known = msgspec.structs.replace(relation, created_in_plan=False)
        sized = relation.kind in {RelationKind.TABLE, RelationKind.MATERIALIZED_VIEW}
        yield msgspec.structs.replace(known, rows=None, bytes=None) if sized else known
