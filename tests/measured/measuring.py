"""One database of a server, in which case after case is planned, carried out and rolled back."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import psycopg
from psycopg import sql

from migrator.database.introspect import read_facts
from migrator.plan.effect import Effect, RelationLock
from migrator.plan.hazard import Severity
from migrator.plan.plan import Plan
from migrator.planner import plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts, RelationKind
from migrator.shadow.compare import differences
from migrator.shadow.trace import Measured, Trace
from migrator.sql.migration import read_migration
from tests.conftest import Database
from tests.golden.case_file import Case as GoldenCase
from tests.golden.planning import adjusted
from tests.measured import outside
from tests.measured.case_file import CASES, Case
from tests.measured.outcome import Outcome, of

LARGE = GoldenCase(path=CASES, title="", settings={}, schema="", migration="", plan="")
"""Its tables are large, and somebody uses them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there is to say of a case on one version."""

    outcome: Outcome
    operation: str
    """The last statement's, e.g. `add-column`; several joined by ` + `."""
    plan: str
    """What the tool makes of it: `as written`, its steps, or why it is refused."""
    undeclared: tuple[str, ...] = ()
    """Where the tool declares something else."""


class Bench:
    """The database; cases with the schema of the one before find it there."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._connection = database.connect()
        self._made = ""
        self._facts: Facts | None = None

    def lacks(self, case: Case) -> bool:
        """Whether the server has not got the extension that a case needs."""
        name = case.directives.get("needs")
        query = "SELECT 1 FROM pg_available_extensions WHERE name = %s"
        return name is not None and self._connection.execute(query, [name]).fetchone() is None

    def find(self, case: Case) -> Found:
        """Plan a case and measure it."""
        if "tablespace" in case.directives:
            self._make_tablespace()
        self._make(f"{case.shared}\n{case.before}")
        facts = self._read()
        migration = read_migration(case.statements, file="0001_case.sql", version="0001", name="case")
        made = plan([migration], facts, Policy(), tool_version="measured")
        measured = self._outside(case) if case.outside else self._inside(case)
        kinds = dict.fromkeys(statement.kind for statement in made.statements)
        found = Found(outcome=Outcome(), operation=" + ".join(kinds), plan=said(made))
        if isinstance(measured, psycopg.Error):
            return replace(found, outcome=Outcome(error=measured.sqlstate or ""))
        declared = _united(statement.effect for statement in made.statements)
        if case.outside:
            measured = replace(measured, reads=declared.scans)
        sequences = frozenset(r.name for r in facts.relations if r.kind is RelationKind.SEQUENCE)
        return replace(
            found, outcome=of(measured, sequences), undeclared=tuple(differences(declared, measured))
        )

    def _inside(self, case: Case) -> Measured | psycopg.Error:
        try:
            with self._connection.transaction(force_rollback=True):
                trace = Trace(self._connection)
                self._connection.execute(case.statements.encode())
                return trace.measured()
        except psycopg.Error as error:
            return error

    def _outside(self, case: Case) -> Measured | psycopg.Error:
        self._made = ""
        return outside.measure(self._database, case.statements, case.directives["outside"])

    def _read(self) -> Facts:
        if self._facts is None:
            self._facts = adjusted(read_facts(self._connection, journal_schema="migrator"), LARGE)
        return self._facts

    def _make_tablespace(self) -> None:
        """A folder beside the server's data, which goes with the server."""
        if self._connection.execute("SELECT 1 FROM pg_tablespace WHERE spcname = 'elsewhere'").fetchone():
            return
        ((folder,),) = self._connection.execute("SHOW data_directory").fetchall()
        place = sql.Literal(f"{folder}_elsewhere")
        made = sql.Literal(f"mkdir -m 700 -p {folder}_elsewhere")
        self._connection.execute(sql.SQL("COPY (SELECT 1) TO PROGRAM {}").format(made))
        self._connection.execute(sql.SQL("CREATE TABLESPACE elsewhere LOCATION {}").format(place))

    def _make(self, schema: str) -> None:
        if schema == self._made:
            return
        self._made, self._facts = "", None
        connection = self._connection
        for (name,) in connection.execute("SELECT pubname FROM pg_publication").fetchall():
            connection.execute(sql.SQL("DROP PUBLICATION {}").format(sql.Identifier(name)))
        others = "SELECT nspname FROM pg_namespace WHERE oid >= 16384 AND nspname NOT LIKE 'pg\\_%'"
        for (name,) in connection.execute(f"{others} OR nspname = 'public'").fetchall():
            connection.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
        connection.execute("CREATE SCHEMA public")
        connection.execute(schema.encode())
        self._made = schema


def _united(effects: Iterator[Effect]) -> Effect:
    """Return the effect of statements in one transaction."""
    every = list(effects)
    locks: dict[str, RelationLock] = {}
    for lock in (lock for effect in every for lock in effect.locks):
        known = locks.get(str(lock.relation), lock)
        locks[str(lock.relation)] = max(known, lock, key=lambda each: each.mode.strength)
    return Effect(
        locks=tuple(locks.values()),
        scans=tuple(name for effect in every for name in effect.scans),
        rewrites=tuple(name for effect in every for name in effect.rewrites),
        index_builds=tuple(name for effect in every for name in effect.index_builds),
        unknown=any(effect.unknown for effect in every),
    )


def said(made: Plan) -> str:
    """Say in a few words what the tool makes of it."""
    errors = [hazard for hazard in made.hazards if hazard.severity is Severity.ERROR]
    if any(statement.effect.unknown for statement in made.statements):
        return "not read: refused"
    if errors:
        kinds = ", ".join(dict.fromkeys(str(hazard.kind) for hazard in errors))
        return f"refused: {kinds}" if not all(h.approvable for h in errors) else f"asks for approval: {kinds}"
    if all(statement.as_written for statement in made.statements):
        return "as written"
    return "; ".join(step.title.replace("public.", "") for step in made.steps) or "nothing to do"
