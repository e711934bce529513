"""Small migrations, one for each kind of work: what is there beforehand, and the file.

Rows say how often they were changed: a trigger counts the updates of a row where the file's own statement
does not (`n = n + 1`).
"""

from dataclasses import dataclass

ROWS = 80

COUNTED = """
CREATE FUNCTION count_change() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN NEW.changes := OLD.changes + 1; RETURN NEW; END $$;
CREATE TRIGGER count_change BEFORE UPDATE ON shop FOR EACH ROW EXECUTE FUNCTION count_change();
"""

SHOP = f"""
CREATE TABLE shop (id bigint PRIMARY KEY, name text, label text, n int NOT NULL DEFAULT 0,
    changes int NOT NULL DEFAULT 0);
INSERT INTO shop (id, name) SELECT g, 'name ' || g FROM generate_series(1, {ROWS}) AS g;
{COUNTED}
ANALYZE shop;
"""

PAGES = f"""
CREATE TABLE shop (name text, filler text, changes int NOT NULL DEFAULT 0);
INSERT INTO shop (name, filler) SELECT 'name ' || g, repeat('x', 150) FROM generate_series(1, {ROWS}) AS g;
{COUNTED}
ANALYZE shop;
"""

PARTITIONED = f"""
CREATE TABLE parted (id bigint NOT NULL, name text) PARTITION BY RANGE (id);
CREATE TABLE parted_a PARTITION OF parted FOR VALUES FROM (0) TO (60);
CREATE TABLE parted_b PARTITION OF parted FOR VALUES FROM (60) TO (1000);
INSERT INTO parted SELECT g, 'name ' || g FROM generate_series(1, {ROWS}) AS g;
ANALYZE parted; ANALYZE parted_a; ANALYZE parted_b;
"""

FRIENDS = f"""
CREATE TABLE customer (id bigint PRIMARY KEY);
INSERT INTO customer SELECT g FROM generate_series(0, 9) AS g;
CREATE TABLE purchase (id bigint PRIMARY KEY, customer_id bigint, total int);
INSERT INTO purchase SELECT g, g % 10, g FROM generate_series(1, {ROWS}) AS g;
CREATE INDEX ON purchase (customer_id);
ANALYZE customer; ANALYZE purchase;
"""

INDEXED = SHOP + "CREATE INDEX shop_label_idx ON shop (label); CREATE INDEX shop_name_idx ON shop (name);"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    name: str
    before: str
    file: str
    since: int = 13
    fresh: bool = False
    """There is no journal yet."""
    live: bool = True
    """The database is in use, so that steps go one by one."""
    locked: str = ""
    """Rows that another session keeps locked until the walk has gone by."""
    ends: int = 0
    """The exit code of an undisturbed run."""
    toast: bool = False
    """The role may use pg_toast, and so remove what an interrupted REINDEX leaves there."""
    unproved: str = ""
    """A statement outside a transaction: a run interrupted while it ran ends with 8, and a person looks."""


SCENARIOS = (
    Scenario(
        name="first run of a database",
        before=SHOP,
        file="ALTER TABLE shop ADD COLUMN age int;",
        fresh=True,
    ),
    Scenario(
        name="transaction steps",
        before=SHOP,
        file="""
        ALTER TABLE shop ADD COLUMN age int, ADD COLUMN size int DEFAULT 5;
        CREATE TABLE shelf (id bigint PRIMARY KEY, shop_id bigint);
        CREATE VIEW small AS SELECT id, size FROM shop;
        """,
    ),
    Scenario(
        name="nothing live: steps together",
        before="",
        file="""
        CREATE TABLE shelf (id bigint PRIMARY KEY, shop_id bigint);
        INSERT INTO shelf VALUES (1, 1), (2, 2);
        CREATE INDEX ON shelf (shop_id);
        ALTER TABLE shelf ADD COLUMN width int NOT NULL DEFAULT 1;
        """,
        live=False,
    ),
    Scenario(
        name="backfill, idempotent",
        before=SHOP,
        file="-- migrate: backfill existing-rows\nUPDATE shop SET label = upper(name);",
    ),
    Scenario(
        name="backfill of a new column, NOT NULL",
        before=SHOP,
        file="""
        ALTER TABLE shop ADD COLUMN slug text;
        UPDATE shop SET slug = lower(name);
        ALTER TABLE shop ALTER COLUMN slug SET NOT NULL;
        """,
    ),
    Scenario(
        name="backfill, rows locked by others",
        before=SHOP,
        file="-- migrate: backfill existing-rows\nUPDATE shop SET label = upper(name);",
        locked="SELECT FROM shop WHERE id IN (7, 61) FOR UPDATE",
    ),
    Scenario(
        name="update, once only",
        before=SHOP,
        file="-- migrate: backfill existing-rows\nUPDATE shop SET n = n + 1;",
    ),
    Scenario(
        name="delete, once only",
        before=SHOP,
        file='-- migrate: allow data-loss reason="test"\nDELETE FROM shop WHERE id % 2 = 0;',
    ),
    Scenario(
        name="backfill by pages, no key",
        before=PAGES,
        file="ALTER TABLE shop ADD COLUMN label text; UPDATE shop SET label = upper(name);",
    ),
    Scenario(
        name="change of type",
        before=FRIENDS,
        file="""
        -- migrate: allow table-rewrite reason="test"
        ALTER TABLE purchase ALTER COLUMN total TYPE bigint;
        """,
    ),
    Scenario(name="create index", before=SHOP, file="CREATE INDEX ON shop (label, name);"),
    Scenario(name="create unique constraint", before=SHOP, file="ALTER TABLE shop ADD UNIQUE (name);"),
    Scenario(name="reindex", before=INDEXED, file="REINDEX TABLE shop;", toast=True),
    Scenario(name="drop index", before=INDEXED, file="DROP INDEX shop_label_idx;"),
    Scenario(
        name="detach partition",
        before=PARTITIONED,
        file="""
        -- migrate: allow breaks-running-code reason="test"
        ALTER TABLE parted DETACH PARTITION parted_a;
        """,
        since=14,
    ),
    Scenario(
        name="attach partition",
        before=PARTITIONED
        + "CREATE TABLE parted_c (id bigint NOT NULL, name text); INSERT INTO parted_c VALUES (2000, 'c');"
        "ANALYZE parted_c;",
        file="ALTER TABLE parted ATTACH PARTITION parted_c FOR VALUES FROM (1000) TO (3000);",
    ),
    Scenario(name="index of partitions", before=PARTITIONED, file="CREATE INDEX ON parted (name);"),
    Scenario(
        name="constraint of partitions",
        before=PARTITIONED,
        file="ALTER TABLE parted ADD CONSTRAINT named CHECK (name IS NOT NULL);",
    ),
    Scenario(
        name="check, foreign key: precondition, validation",
        before=FRIENDS,
        file="""
        ALTER TABLE purchase ADD CONSTRAINT positive CHECK (total > 0);
        ALTER TABLE purchase ADD FOREIGN KEY (customer_id) REFERENCES customer (id);
        """,
    ),
    Scenario(
        name="precondition that refuses",
        before=FRIENDS,
        file="ALTER TABLE purchase ADD CONSTRAINT positive CHECK (total > 5);",
        ends=8,
    ),
    Scenario(
        name="contract steps",
        before=FRIENDS,
        file="""
        -- migrate: allow data-loss reason="test"
        ALTER TABLE purchase DROP COLUMN total;
        -- migrate: allow breaks-running-code reason="test"
        ALTER TABLE customer RENAME TO client;
        """,
    ),
    Scenario(
        name="outside a transaction, not provable",
        before=SHOP,
        file="ALTER TABLE shop ADD COLUMN age int; VACUUM shop;",
        unproved="VACUUM",
    ),
    Scenario(name="reindex, TOAST not the role's", before=INDEXED, file="REINDEX TABLE shop;"),
)
