"""The Markdown report: what it says, what it leaves out first, and that nothing else in it is markup."""

import pytest
from hypothesis import given, settings
from msgspec.structs import replace

from migrator.plan.hazard import Hazard, HazardKind, Severity
from migrator.plan.plan import Plan, PlannedMigration
from migrator.plan.proof import Measurement, Proof
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import quote
from migrator.reports.markdown import LIMIT, marker, render
from migrator.reports.subject import Subject
from tests.reports.markdown_reader import ALLOWED, shown
from tests.reports.samples import HOSTILE_NAME, PICTURED, SUBJECTS, asking, hostile, shop, subject, written
from tests.reports.test_escape import anything

SCHEMA = "CREATE TABLE orders (id bigint PRIMARY KEY, total int);"


def many(files: int, text: str, schema: str = SCHEMA) -> Subject:
    return written(*(text.replace("{n}", str(n)) for n in range(files)), schema=schema)


@pytest.mark.parametrize("name", SUBJECTS)
def test_only_our_own_markup(name: str) -> None:
    page = shown(render(SUBJECTS[name]()))

    assert {tag for tag, _ in page.elements} <= ALLOWED
    attributes = {(tag, *attribute) for tag, found in page.elements for attribute in found}
    assert attributes <= {("code", "class", f"language-{name}") for name in ("sql", "diff", "mermaid")}
    assert page.comments == [" migrator:plan migrations "] or name == "failed"


@settings(max_examples=40, deadline=None)
@given(anything.filter(lambda name: name.strip("\0") and "\0" not in name and name.isprintable()), anything)
def test_whatever_a_migration_says(name: str, said: str) -> None:
    table = quote(name[:20])
    literal = said.replace("\0", "").replace("'", "''")
    reason = said.replace("\0", "").replace('"', "").replace("\\", "").split("\n")[0].split("\r")[0]
    text = f"""-- migrate: allow data-loss reason="x{reason}"
DROP TABLE {table};
COMMENT ON TABLE kept IS '{literal}';
ALTER TABLE kept ADD COLUMN {table} int NOT NULL DEFAULT random();"""
    page = shown(
        render(
            written(text, schema=f"CREATE TABLE {table} (id int); CREATE TABLE kept (id int PRIMARY KEY);")
        )
    )

    assert {tag for tag, _ in page.elements} <= ALLOWED
    assert len(page.comments) == 1


def test_the_marker_is_the_first_line_and_tells_reports_apart() -> None:
    first = render(asking()).splitlines()[0]

    assert first == marker("migrations") == "<!-- migrator:plan migrations -->"
    assert marker("db/a production") != marker("db/a")


def test_the_verdict_and_the_worst_lock_come_first() -> None:
    head = render(shop(*PICTURED)).splitlines()[1:6]

    assert head[0].startswith("## ")
    assert head[2].startswith("**Worst lock:** `ACCESS EXCLUSIVE` on ")


def test_what_to_write_in_the_file() -> None:
    report = render(asking())

    assert '`-- migrate: allow data-loss reason="…"`' in report
    assert "`migrations/1_hostile.sql:1:1`" in report
    assert "is not understood: `SECURITY LABEL ON TABLE orders IS 'x'`" in report


def test_entries_of_an_approvals_file() -> None:
    made = written("DROP TABLE orders;", schema=SCHEMA)
    plan = replace(made.plan, approvals_file="db/approvals.toml")

    report = render(Subject(plan=plan, migrations=made.migrations, facts=made.facts))

    assert "or approve it in `db/approvals.toml`, as below" in report
    assert '```toml\n[[approvals]]\nfile = "1_hostile.sql"\n' in report


def test_advice_is_shown_though_the_plan_runs() -> None:
    advice = Hazard(
        kind=HazardKind.PREFER_TEXT, severity=Severity.ERROR, message="varchar", instead="text", advisory=True
    )
    migration = PlannedMigration(version="1", name="a", file="1.sql", findings=(advice,))

    report = render(Subject(plan=Plan(migrations=(migration,))))

    assert "| `1.sql:1:1` | `prefer-text` | varchar | text; the plan runs all the same |" in report


def test_sizes_and_timeouts_are_shown() -> None:
    row = next(line for line in render(shop(PICTURED[0])).splitlines() if line.startswith("| 1.4 "))

    assert "SHARE UPDATE EXCLUSIVE on `public.orders`" in row
    assert "5,000,000\u00a0rows, 1\u00a0GB" in row
    assert "5,000\u00a0ms / none / 1\u00a0d" in row


def test_facts_are_named() -> None:
    migrations = written("ALTER TABLE orders ADD COLUMN x int;").migrations

    assert "without facts: every table is taken to be large and in use" in render(
        subject(migrations, Facts())
    )
    origin = Facts(source="file", origin="facts.json of 2026-01-05T09:00:00+00:00", complete=True)
    assert "from facts: file (facts.json of 2026-01-05T09:00:00+00:00)" in render(subject(migrations, origin))


def test_the_proof_is_in_it() -> None:
    made = asking()
    step = Measurement(
        migration="1",
        id="1.1",
        title="DROP TABLE carts",
        began_s=0,
        seconds=0.1,
        differences=("rewrites | @all",),
    )
    proof = Proof(server="18.1", shadow="embedded", rows=10, steps=(step,), unproved=("<b>rows</b>",))

    report = render(Subject(plan=made.plan, proof=proof, migrations=made.migrations, facts=made.facts))

    assert "### Proof" in report
    assert "❌ not proved on PostgreSQL 18.1 (embedded) with 10 rows per table" in report
    assert "| 1.1 | DROP TABLE carts | rewrites &#124; &#64;&#8203;all |" in report
    assert "- &#60;b&#62;rows&#60;/b&#62;" in report


@pytest.mark.parametrize("files", [1, 10, 120, 300])
def test_it_fits_whatever_the_size(files: int) -> None:
    report = render(many(files, "ALTER TABLE orders ADD COLUMN c{n} text NOT NULL DEFAULT random()::text;"))

    assert len(report.encode()) <= LIMIT
    assert report.startswith(marker("migrations"))
    assert ("Left out, because a comment has no room for it" in report) == (files > 10)
    shown(report)


@pytest.mark.parametrize("limit", [4_000, 6_000, 10_000, 20_000, 40_000])
def test_it_fits_any_limit(limit: int) -> None:
    for make in (hostile, lambda: shop(*PICTURED), lambda: many(80, f'DROP TABLE "{HOSTILE_NAME}{{n}}";')):
        report = render(make(), limit=limit)

        assert len(report.encode()) <= limit
        shown(report)


def test_what_needs_a_person_is_left_out_last() -> None:
    tables = "".join(f"CREATE TABLE t{n} (id int);" for n in range(150))
    change = "DROP TABLE t{n}; ALTER TABLE orders ADD COLUMN c{n} text NOT NULL DEFAULT random()::text;"
    report = render(many(150, change, SCHEMA + tables))

    assert "### What it needs from you" in report
    assert "`-- migrate: allow data-loss" in report
    assert "whose steps are not shown" in report


def test_diagrams_go_first_then_sql_then_differences() -> None:
    made = shop(*PICTURED)
    whole = render(made)
    sizes = []
    for word in ("```mermaid", "```sql", "```diff"):
        low, high = 1_000, len(whole.encode())
        while low < high:  # the smallest limit at which it is still there
            middle = (low + high) // 2
            low, high = (low, middle) if word in render(made, limit=middle) else (middle + 1, high)
        sizes.append(low)

    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) == 3


def test_one_enormous_statement() -> None:
    values = ", ".join(f"({n})" for n in range(20_000))
    report = render(written(f"INSERT INTO orders (id) VALUES {values};", schema=SCHEMA))

    assert len(report.encode()) <= LIMIT
