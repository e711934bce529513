"""A trigram index on a table in use, on servers that have contrib; the sample history has no extension."""

from pathlib import Path

import pytest

from migrator.demo.tool import Tool
from tests.conftest import Database

pytestmark = pytest.mark.postgres(ends=True)

TABLE = "CREATE TABLE customers (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), name text NOT NULL);"

INDEX = """
CREATE EXTENSION pg_trgm;

CREATE INDEX customers_name_trgm_idx ON customers USING gin (name gin_trgm_ops);
"""

ROWS = "INSERT INTO customers (name) SELECT 'Customer ' || n FROM generate_series(1, 2000) AS n"

STATE = """
    SELECT indisvalid, pg_get_indexdef(indexrelid) LIKE '%USING gin (name%gin_trgm_ops)'
    FROM pg_index WHERE indexrelid = 'customers_name_trgm_idx'::regclass
"""


def test_a_trigram_index_is_built_while_writes_go_on(database: Database, tmp_path: Path) -> None:
    connection = database.connect()
    available = "SELECT 1 FROM pg_available_extensions WHERE name = 'pg_trgm'"
    if connection.execute(available).fetchone() is None:
        pytest.skip("this server has no contrib modules")
    (tmp_path / "1_customers.sql").write_text(TABLE)
    (tmp_path / "2_search.sql").write_text(INDEX)
    config = tmp_path / "migrate.toml"
    config.write_text("[rewrite]\nsmall_table_rows = 0\n")
    tool = Tool(database=database.url, files=tmp_path, config=config, log=tmp_path / "migrate.log")
    tool.run("apply", "--to", "1")
    connection.execute(ROWS)
    plan = tool.ask("plan")
    tool.run("apply")

    assert "CREATE INDEX CONCURRENTLY" in plan
    assert connection.execute(STATE).fetchall() == [(True, True)]
