import pytest

from tests.planner.planning import planned

SCHEMA = """
    CREATE TABLE users (id bigint PRIMARY KEY, name text);
    CREATE TABLE orders (id bigint PRIMARY KEY, user_id bigint REFERENCES users);
    CREATE INDEX users_name ON users (name);
    CREATE SEQUENCE numbers;
    CREATE VIEW names AS SELECT name FROM users;
"""


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE users SET (fillfactor = 90)",
        "ALTER TABLE users ALTER COLUMN name SET STATISTICS 500",
        "ALTER TABLE users ALTER COLUMN name SET STORAGE EXTERNAL",
        "ALTER TABLE users REPLICA IDENTITY FULL",
        "ALTER TABLE users OWNER TO postgres",
        "ALTER INDEX users_name RENAME TO users_by_name",
        "ALTER INDEX users_name SET (fillfactor = 70)",
        "ALTER SEQUENCE numbers RESTART WITH 100",
        "CREATE POLICY own ON users USING (true)",
        "VACUUM users",
        "ANALYZE users",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    ],
)
def test_free_forms_need_no_approval(statement: str) -> None:
    plan = planned(SCHEMA, f"{statement};")

    assert not any(hazard.blocks for hazard in plan.hazards)
    assert [step.as_written for step in plan.steps] == [True]


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE users ALTER COLUMN id TYPE numeric",
        "ALTER TABLE users DROP COLUMN name",
        "ALTER TABLE users RENAME COLUMN name TO label",
        "ALTER TABLE users RENAME TO people",
        "ALTER TABLE users SET SCHEMA other",
        "ALTER TABLE users SET UNLOGGED",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "ALTER VIEW names RENAME TO labels",
        "TRUNCATE users",
        "VACUUM FULL users",
        "CLUSTER users USING users_name",
        "DO $$ BEGIN NULL; END $$",
        "DROP VIEW names",
        "DROP SEQUENCE numbers",
        "DROP TABLE users CASCADE",
        "CREATE RULE r AS ON INSERT TO users DO INSTEAD NOTHING",
    ],
)
def test_dangerous_forms_need_approval_with_a_reason_from_the_catalogue(statement: str) -> None:
    plan = planned(SCHEMA, f"{statement};")
    blocking = [hazard for hazard in plan.hazards if hazard.blocks]

    assert blocking
    assert all(hazard.message for hazard in blocking)


@pytest.mark.parametrize(
    "statement",
    ["ALTER TABLE mine DROP COLUMN a", "ALTER TABLE mine RENAME TO ours", "DROP TABLE mine", "TRUNCATE mine"],
)
def test_what_the_plan_made_itself_may_go(statement: str) -> None:
    plan = planned(SCHEMA, f"CREATE TABLE mine (id int, a text); {statement};")

    assert plan.hazards == ()
