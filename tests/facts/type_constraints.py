"""Tables with constraints whose change of type is measured, and those whose change the server refuses."""

from tests.facts.type_pairs import Case

TO_TEXT = "ALTER TABLE t ALTER COLUMN c TYPE text"

ROWS = "INSERT INTO t SELECT g, 'a' || g FROM generate_series(1, 5) AS g;"


def _case(name: str, setup: str, change: str = TO_TEXT, since: int = 13) -> Case:
    return Case(name=name, setup=setup, change=change, since=since)


CONSTRAINTS = (
    _case("check", f"CREATE TABLE t (id int, c varchar(10) CHECK (c <> '')); {ROWS}"),
    _case("check of the table", f"CREATE TABLE t (id int, c varchar(10), CHECK (c <> id::text)); {ROWS}"),
    _case(
        "check not valid",
        f"CREATE TABLE t (id int, c varchar(10)); ALTER TABLE t ADD CHECK (c <> '') NOT VALID; {ROWS}",
    ),
    _case("check of another column", f"CREATE TABLE t (id int CHECK (id > 0), c varchar(10)); {ROWS}"),
    _case("not null", f"CREATE TABLE t (id int, c varchar(10) NOT NULL); {ROWS}"),
    _case("primary key", f"CREATE TABLE t (id int, c varchar(10) PRIMARY KEY); {ROWS}"),
    _case("deferrable", f"CREATE TABLE t (id int, c varchar(10) UNIQUE DEFERRABLE); {ROWS}"),
    _case("exclusion", f"CREATE TABLE t (id int, c varchar(10), EXCLUDE (c WITH =)); {ROWS}"),
    _case(
        "collation of a unique column",
        f"CREATE TABLE t (id int, c varchar(10) UNIQUE); {ROWS}",
        'ALTER TABLE t ALTER COLUMN c TYPE text COLLATE "C"',
    ),
    _case(
        "referencing",
        "CREATE TABLE o (c varchar(10) PRIMARY KEY); INSERT INTO o VALUES ('a');"
        "CREATE TABLE t (id int, c varchar(10) REFERENCES o); INSERT INTO t VALUES (1, 'a')",
    ),
    _case(
        "referenced",
        f"CREATE TABLE t (id int, c varchar(10) PRIMARY KEY); {ROWS}"
        "CREATE TABLE o (c varchar(10) REFERENCES t); INSERT INTO o VALUES ('a1')",
    ),
    _case(
        "referencing another column",
        "CREATE TABLE o (c int PRIMARY KEY); CREATE TABLE t (id int REFERENCES o, c varchar(10));",
    ),
    _case(
        "referenced and rewritten",
        "CREATE TABLE t (id int, c int PRIMARY KEY); INSERT INTO t VALUES (1, 1);"
        "CREATE TABLE o (c int REFERENCES t); INSERT INTO o VALUES (1)",
        "ALTER TABLE t ALTER COLUMN c TYPE bigint",
    ),
    _case(
        "referencing, compared anew",
        "CREATE TABLE o (c timestamp PRIMARY KEY); INSERT INTO o VALUES ('2026-01-01');"
        "CREATE TABLE t (id int, c timestamp REFERENCES o); INSERT INTO t VALUES (1, '2026-01-01')",
        "ALTER TABLE t ALTER COLUMN c TYPE timestamptz",
    ),
    _case(
        "referenced, compared anew",
        "CREATE TABLE t (id int, c text PRIMARY KEY); INSERT INTO t VALUES (1, 'a');"
        "CREATE TABLE o (c text REFERENCES t); INSERT INTO o VALUES ('a')",
        "ALTER TABLE t ALTER COLUMN c TYPE bpchar",
    ),
    _case(
        "referencing, not valid",
        "CREATE TABLE o (c timestamp PRIMARY KEY); CREATE TABLE t (id int, c timestamp);"
        "ALTER TABLE t ADD FOREIGN KEY (c) REFERENCES o NOT VALID",
        "ALTER TABLE t ALTER COLUMN c TYPE timestamptz",
    ),
    _case(
        "referencing, another collation",
        "CREATE TABLE o (c text PRIMARY KEY); INSERT INTO o VALUES ('a');"
        "CREATE TABLE t (id int, c text REFERENCES o); INSERT INTO t VALUES (1, 'a')",
        'ALTER TABLE t ALTER COLUMN c TYPE text COLLATE "C"',
    ),
    _case(
        "referencing, domain",
        "CREATE TABLE o (c int PRIMARY KEY); INSERT INTO o VALUES (1);"
        "CREATE TABLE t (id int, c int REFERENCES o); INSERT INTO t VALUES (1, 1)",
        "ALTER TABLE t ALTER COLUMN c TYPE plain",
    ),
    _case(
        "referenced, cidr",
        "CREATE TABLE t (id int, c cidr PRIMARY KEY); INSERT INTO t VALUES (1, '10.0.0.0/8');"
        "CREATE TABLE o (c cidr REFERENCES t); INSERT INTO o VALUES ('10.0.0.0/8')",
        "ALTER TABLE t ALTER COLUMN c TYPE inet",
    ),
    _case(
        "self reference",
        "CREATE TABLE t (id int, c varchar(5) PRIMARY KEY, up varchar(5) REFERENCES t); "
        "INSERT INTO t VALUES (1, 'a', 'a')",
    ),
    _case(
        "identity",
        "CREATE TABLE t (id int, c int GENERATED ALWAYS AS IDENTITY)",
        "ALTER TABLE t ALTER COLUMN c TYPE bigint",
    ),
    _case(
        "statistics object",
        f"CREATE TABLE t (id int, c varchar(5)); {ROWS} CREATE STATISTICS s ON id, c FROM t",
    ),
    _case(
        "several columns",
        "CREATE TABLE t (id int, c varchar(5), d varchar(5) CHECK (d <> '')); "
        "INSERT INTO t VALUES (1, 'a', 'a'); "
        "CREATE INDEX ON t ((c || d))",
        "ALTER TABLE t ALTER COLUMN c TYPE text, ALTER d TYPE text",
    ),
    _case("children", "CREATE TABLE t (id int, c varchar(5)); CREATE TABLE o () INHERITS (t)"),
    _case(
        "partitions",
        "CREATE TABLE t (id int, c varchar(5) CHECK (c <> '')) PARTITION BY RANGE (id);"
        "CREATE TABLE o PARTITION OF t DEFAULT; INSERT INTO t VALUES (1, 'a'); CREATE INDEX ON t (lower(c))",
    ),
    _case(
        "partitions rewritten",
        "CREATE TABLE t (id int, c int) PARTITION BY RANGE (id);"
        "CREATE TABLE o PARTITION OF t DEFAULT; INSERT INTO t VALUES (1, 1)",
        "ALTER TABLE t ALTER COLUMN c TYPE bigint",
    ),
    _case(
        "invalid index",
        f"CREATE TABLE t (id int, c varchar(5)); {ROWS} CREATE INDEX broken ON t (c);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'broken'::regclass",
    ),
)

REFUSED = (
    _case(
        "view",
        "CREATE TABLE t (id int, c varchar(5)); CREATE VIEW v AS SELECT c FROM t",
    ),
    _case(
        "materialized view",
        "CREATE TABLE t (id int, c varchar(5)); CREATE MATERIALIZED VIEW v AS SELECT c FROM t",
    ),
    _case(
        "rule",
        "CREATE TABLE t (id int, c varchar(5)); CREATE TABLE o (c text);CREATE RULE r AS ON INSERT TO t "
        "DO ALSO INSERT INTO o VALUES (new.c)",
    ),
    _case(
        "trigger",
        "CREATE TABLE t (id int, c varchar(5)); CREATE TRIGGER r BEFORE UPDATE OF c ON t FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ),
    _case(
        "trigger with a condition",
        "CREATE TABLE t (id int, c varchar(5)); CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW WHEN "
        "(new.c <> '') EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    ),
    _case(
        "policy",
        "CREATE TABLE t (id int, c varchar(5)); CREATE POLICY p ON t USING (c = 'x')",
    ),
    _case(
        "policy of another table",
        "CREATE TABLE t (id int, c varchar(5)); CREATE TABLE o (id int);CREATE POLICY p ON o USING "
        "(EXISTS (SELECT FROM t WHERE t.c = 'x'))",
    ),
    _case(
        "generated column",
        "CREATE TABLE t (id int, c varchar(5), g text GENERATED ALWAYS AS (lower(c)) STORED)",
    ),
    _case(
        "function",
        "CREATE TABLE t (id int, c varchar(5));CREATE FUNCTION f() RETURNS text LANGUAGE sql BEGIN "
        "ATOMIC SELECT c FROM t; END",
        since=14,
    ),
    _case(
        "publication, columns",
        "CREATE TABLE t (id int PRIMARY KEY, c varchar(5)); CREATE PUBLICATION p FOR TABLE t (id, c)",
        since=15,
    ),
    _case(
        "publication, rows",
        "CREATE TABLE t (id int, c varchar(5)); CREATE PUBLICATION p FOR TABLE t WHERE (c <> 'x')",
        since=15,
    ),
    _case(
        "partition key",
        "CREATE TABLE t (id int, c varchar(5)) PARTITION BY RANGE (lower(c))",
    ),
    _case(
        "partition",
        "CREATE TABLE o (id int, c varchar(5)) PARTITION BY RANGE (id); CREATE TABLE t PARTITION OF o "
        "DEFAULT",
    ),
    _case(
        "child",
        "CREATE TABLE o (id int, c varchar(5)); CREATE TABLE t () INHERITS (o)",
    ),
    _case(
        "only",
        "CREATE TABLE t (id int, c varchar(5)); CREATE TABLE o () INHERITS (t)",
        "ALTER TABLE ONLY t ALTER COLUMN c TYPE text",
    ),
    _case(
        "row type",
        "CREATE TABLE t (id int, c varchar(5)); CREATE TABLE o (x t)",
    ),
)
"""The server refuses each, from the version on."""

ALLOWED = (
    _case(
        "statistics object",
        "CREATE TABLE t (id int, c varchar(5)); CREATE STATISTICS s ON id, c FROM t",
    ),
    _case(
        "view of another column",
        "CREATE TABLE t (id int, c varchar(5)); CREATE VIEW v AS SELECT id FROM t",
    ),
    _case(
        "view of whole rows",
        "CREATE TABLE t (id int, c varchar(5)); CREATE VIEW v AS SELECT count(*) FROM t",
    ),
    _case(
        "trigger",
        "CREATE TABLE t (id int, c varchar(5)); CREATE TRIGGER r BEFORE UPDATE ON t FOR EACH ROW EXECUTE"
        " FUNCTION suppress_redundant_updates_trigger()",
    ),
    _case(
        "generated itself",
        "CREATE TABLE t (id int, b text, c varchar(5) GENERATED ALWAYS AS (b) STORED)",
    ),
    _case(
        "default",
        "CREATE TABLE t (id int, c varchar(5) DEFAULT 'x')",
    ),
    _case(
        "function of the row",
        "CREATE TABLE t (id int, c varchar(5)); CREATE FUNCTION f(t) RETURNS text LANGUAGE sql AS "
        "'SELECT $1.c'",
    ),
)
"""Near to those that are refused."""
