"""One database of a server, in which case after case is planned, carried out and rolled back.

Each schema text has a namespace of its own, made before anything is measured, so that the facts of all are
read at once; a case sees its own relations only.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import msgspec
import psycopg
from psycopg import sql

from migrator.database.introspect import read_facts
from migrator.plan.hazard import Severity
from migrator.plan.plan import Plan
from migrator.planner import plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.shadow.compare import differences
from migrator.shadow.measure_statements import effect_of_all
from migrator.sql.migration import read_migration
from tests.conftest import Database
from tests.golden.case_file import Case as GoldenCase
from tests.golden.planning import adjusted
from tests.measured import outside
from tests.measured.case_file import CASES, Case
from tests.measured.looking import CASE, Seen, between, locks, relations
from tests.measured.outcome import Outcome, of

LARGE = GoldenCase(path=CASES, title="", settings={}, schema="", migration="", plan="")
"""Its tables are large, and somebody uses them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there is to say of a case on one version."""

    outcome: Outcome
    operation: str
    """The statements' kinds, e.g. `add-column`."""
    plan: str
    """What the tool makes of it: `as written`, its steps, or why it is refused."""
    undeclared: tuple[str, ...] = ()
    """Where the tool declares something else."""


class Bench:
    """The database with the schemas of its cases."""

    def __init__(self, database: Database, cases: Sequence[Case]) -> None:
        self._database = database
        self._connection = database.connect()
        self._connection.execute("SET client_min_messages = error")
        # Keys are checked by joins; those of large tables are hash joins, which read both.
        self._connection.execute("SET enable_mergejoin = off; SET enable_nestloop = off")
        known = {name for (name,) in self._connection.execute("SELECT name FROM pg_available_extensions")}
        here = [case for case in cases if case.expected(database.version) is not None]
        self.cases = [case for case in here if {case.needs} <= known | {""}]
        self.lacking = [case for case in here if case not in self.cases]
        """Those whose extension the server has not got."""
        self._make_tablespace()
        self._namespaces: dict[str, str] = {}
        for case in self.cases:
            if _schema(case) not in self._namespaces:
                self._make(case)
        self._connection.execute("ANALYZE")  # before autovacuum does it at some moment
        self._facts = adjusted(read_facts(self._connection, journal_schema="migrator"), LARGE)

    def find(self, case: Case) -> Found:
        """Plan a case and measure it."""
        namespace = self._namespaces[_schema(case)]
        self._connection.execute(f"SET search_path = {namespace}, public")
        migration = read_migration(case.statements, file="0001_case.sql", version="0001", name="case")
        made = plan([migration], self._facts_in(namespace), Policy(), tool_version="measured")
        seen = self._outside(case, namespace) if case.outside else self._inside(case, namespace)
        kinds = dict.fromkeys(statement.kind for statement in made.statements)
        found = Found(outcome=Outcome(), operation=" + ".join(kinds), plan=said(made, namespace))
        if isinstance(seen, psycopg.Error):
            return replace(found, outcome=Outcome(error=seen.sqlstate or ""))
        declared = effect_of_all(statement.effect for statement in made.statements)
        undeclared = (line.replace(f"{namespace}.", "") for line in differences(declared, seen.measured))
        return replace(found, outcome=of(seen, namespace), undeclared=tuple(undeclared))

    def _inside(self, case: Case, namespace: str) -> Seen | psycopg.Error:
        connection = self._connection
        try:
            with connection.transaction(force_rollback=True):
                before = relations(connection, namespace)
                connection.execute(case.statements.encode())
                held = locks(connection, connection.info.backend_pid, {})
                return between(before, relations(connection, namespace), held)
        except psycopg.Error as error:
            return error

    def _outside(self, case: Case, namespace: str) -> Seen | psycopg.Error:
        """Of its schema nothing is needed afterwards."""
        holds = case.directives["outside"].split(" | ")
        there = outside.Place(database=self._database, namespace=namespace)
        return outside.measure(there, case.statements, holds)

    def _facts_in(self, namespace: str) -> Facts:
        others = {other for other in self._namespaces.values() if other != namespace}
        return msgspec.structs.replace(
            self._facts,
            relations=tuple(r for r in self._facts.relations if r.name.schema not in others),
            search_path=(namespace, "public"),
        )

    def _make(self, case: Case) -> None:
        namespace = f"{CASE}{len(self._namespaces) + 1}"
        self._namespaces[_schema(case)] = namespace
        self._connection.execute(f"CREATE SCHEMA {namespace}; SET search_path = {namespace}, public")
        if case.needs:
            extension = sql.Identifier(case.needs)
            self._connection.execute(
                sql.SQL("CREATE EXTENSION IF NOT EXISTS {} SCHEMA public").format(extension)
            )
        self._connection.execute(_schema(case).encode())

    def _make_tablespace(self) -> None:
        """A folder among the server's data, which goes with it."""
        if self._connection.execute("SELECT 1 FROM pg_tablespace WHERE spcname = 'elsewhere'").fetchone():
            return
        ((folder,),) = self._connection.execute("SHOW data_directory").fetchall()
        made = sql.Literal(f"mkdir -m 700 -p '{folder}/elsewhere'")
        self._connection.execute(sql.SQL("COPY (SELECT 1) TO PROGRAM {}").format(made))
        place = sql.Literal(f"{folder}/elsewhere")
        self._connection.execute(sql.SQL("CREATE TABLESPACE elsewhere LOCATION {}").format(place))


def _schema(case: Case) -> str:
    """Return the schema of a case; what cannot be rolled back has one of its own."""
    own = f"-- {case.name}\n" if case.outside else ""
    return f"{own}{case.shared}\n{case.before}"


def said(made: Plan, namespace: str) -> str:
    """Say in a few words what the tool makes of it."""
    errors = [hazard for hazard in made.hazards if hazard.severity is Severity.ERROR]
    if any(statement.effect.unknown for statement in made.statements):
        return "not read: refused"
    if errors:
        kinds = ", ".join(dict.fromkeys(str(hazard.kind) for hazard in errors))
        return f"asks for approval: {kinds}" if all(h.approvable for h in errors) else f"refused: {kinds}"
    if made.steps and all(statement.as_written for statement in made.statements):
        return "as written"
    steps = "; ".join(step.title.replace(f"{namespace}.", "") for step in made.steps)
    return re.sub(rf"\b{namespace}\.", "", steps) or "nothing to do"
