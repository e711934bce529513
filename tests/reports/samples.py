"""Subjects that the reports are tested with: the sample history, and migrations that mean harm."""

from pathlib import Path

from msgspec.structs import replace

from migrator import history
from migrator.errors import Location, SqlSyntaxError
from migrator.plan.plan import Plan
from migrator.planner import fold, plan
from migrator.policy import Policy
from migrator.postgres.facts import Facts
from migrator.postgres.versions import ServerVersion
from migrator.reports.subject import Subject
from migrator.sql.migration import Migration, read_migration
from tests.golden.planning import SETTINGS

ROOT = Path(__file__).parents[2]

LARGE_ROWS, LARGE_BYTES = 5_000_000, 1 << 30

TOOL = "1.0"
"""So that the reports do not change with each release."""

PICTURED = ("order_confirmation_token", "order_items_foreign_keys")
"""What the documentation shows."""


def sample_history() -> tuple[Migration, ...]:
    """The files of `migrations`, as a command in the root of the repository reads them."""
    folder = ROOT / "migrations"
    return tuple(
        read_migration(path.read_text(encoding="utf-8"), file=f"migrations/{path.name}")
        for path in (file.path for file in history.list_files(folder))
    )


def in_use(migrations: tuple[Migration, ...]) -> Facts:
    """What is known of a database after these files, with large tables that are in use."""
    empty = Facts(
        server_version=ServerVersion(180004),
        live=False,
        complete=True,
        schemas=("public",),
        settings=SETTINGS,
    )
    facts = fold(migrations, empty, Policy())
    relations = tuple(
        replace(relation, rows=LARGE_ROWS, bytes=LARGE_BYTES, created_in_plan=False)
        if relation.is_table
        else replace(relation, created_in_plan=False)
        for relation in facts.relations
    )
    functions = tuple(replace(function, created_in_plan=False) for function in facts.functions)
    return replace(
        facts,
        live=True,
        source="database",
        database="shop",
        relations=relations,
        functions=functions,
        new_types=(),
    )


def subject(migrations: tuple[Migration, ...], facts: Facts, pages: dict[str, str] | None = None) -> Subject:
    """The subject of a plan of these files, which stand in a repository's folder `db`."""
    made = plan(migrations, facts, Policy(), tool_version=TOOL)
    return Subject(
        plan=made,
        migrations=migrations,
        facts=facts,
        paths={migration.file: migration.file for migration in migrations},
        pages=pages or {},
    )


def shop(*names: str) -> Subject:
    """The plan of those files of the sample history, on a database that has all files before the first."""
    files = sample_history()
    chosen = tuple(file for file in files if file.name in names)
    return subject(chosen, in_use(files[: files.index(chosen[0])]), pages_of_hazards())


def pages_of_hazards() -> dict[str, str]:
    """The documentation's pages."""
    folder = ROOT / "docs" / "hazards"
    return {page.stem: page.read_text(encoding="utf-8") for page in sorted(folder.glob("[a-z]*.md"))}


def written(*texts: str, schema: str = "", file: str = "migrations/{number}_hostile.sql") -> Subject:
    """The plan of these texts, each a file of its own, on a large database in use that has this schema."""
    migrations = tuple(
        read_migration(text, file=file.format(number=number), version=str(number), name="hostile")
        for number, text in enumerate(texts, start=1)
    )
    before = read_migration(schema, file="0_schema.sql", version="0", name="schema")
    return subject(migrations, in_use((before,)))


HOSTILE_NAME = "x|y`z](http://e.org) @team #1 <img src=x> --> $a$ | \\"

HOSTILE_SCHEMA = f'CREATE TABLE "{HOSTILE_NAME}" (id bigint PRIMARY KEY, "PK" int, "a b" numeric(10, 2));'

HOSTILE = (
    f"""-- migrate: allow data-loss reason="</details> | @everyone ``` <!-- x -->"
DROP TABLE "{HOSTILE_NAME}";
""",
    f"""CREATE TABLE "{HOSTILE_NAME}_2" ("direction LR" int, "```" text);
COMMENT ON TABLE "{HOSTILE_NAME}_2" IS '
````
</details>
# heading ::error::x
';
ALTER TABLE "{HOSTILE_NAME}" ADD COLUMN "é😀" int NOT NULL DEFAULT random();
VACUUM "{HOSTILE_NAME}";
""",
)


def hostile() -> Subject:
    """Names, comments and reasons that try to be markup."""
    return written(*HOSTILE, schema=HOSTILE_SCHEMA)


def asking() -> Subject:
    """Files that need an approval, a mend, and hold what is not understood."""
    schema = "CREATE TABLE orders (id bigint PRIMARY KEY, total int); CREATE TABLE carts (id bigint);"
    return written(
        "DROP TABLE carts;\nSELECT 1;\n\nUPDATE orders SET total = 0;\n",
        "ALTER TABLE orders ADD COLUMN token text NOT NULL;\nSECURITY LABEL ON TABLE orders IS 'x';\n",
        schema=schema,
    )


def failed() -> Subject:
    """There is no plan."""
    error = SqlSyntaxError(
        "a parenthesis is not closed", at=Location(file="migrations/3_c.sql", line=2, column=8)
    )
    return Subject(
        plan=Plan(tool_version=TOOL),
        failure=error,
        paths={"migrations/3_c.sql": "db/migrations/3_c.sql"},
        name="db/migrations",
    )


SUBJECTS = {
    "shop": lambda: shop(*PICTURED),
    "hostile": hostile,
    "asking": asking,
    "failed": failed,
}
"""By the name of their golden files."""
