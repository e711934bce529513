"""What somebody does by hand, when, what is said of it, and the way on that the runbook gives."""

from dataclasses import dataclass

from tests.drift.conftest import When, after_batch, before

FILL = """ALTER TABLE customers ADD COLUMN label text;
UPDATE customers SET label = upper(name);
ALTER TABLE customers ALTER COLUMN label SET NOT NULL;
"""
INDEX = "CREATE INDEX customers_name_idx ON customers (name);\n"
CHECK = "ALTER TABLE customers ADD CONSTRAINT name_short CHECK (length(name) < 100);\n"
PARTITIONED = "CREATE INDEX orders_at_idx ON orders (at);\n"

FILLED = "SELECT count(*) FROM customers WHERE label IS DISTINCT FROM upper(name)"
TRIGGER = "zz_migrator_fill_label"
FUNCTION = "zz_migrator_fill_customers_label"

ACCEPT = "--accept-drift"
ROLLED_BACK = "--rolled-back"
APPLIED = "--applied"


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is done by hand, when, what is said of it, and the way on."""

    name: str
    file: str
    when: When
    by_hand: tuple[str, ...]
    code: int
    says: str
    mend: tuple[str, ...] = ()
    """Statements by hand, before the next run."""
    resolve: str | None = None
    holds: str = "SELECT true"
    """In the end; of what was done by hand too."""


OTHER = "public.customers has another definition"
GONE = "public.customers is gone"
SHORT = "SELECT convalidated FROM pg_constraint WHERE conname = 'name_short'"

CASES = (
    # between planning and the first step: nothing has begun, so a new plan is all it takes
    Case(
        name="column_renamed_before_the_first_step",
        file=FILL,
        when=before("1.1"),
        by_hand=("ALTER TABLE customers RENAME email TO mail",),
        code=5,
        says=OTHER,
        resolve=ACCEPT,
        holds="SELECT mail IS NOT NULL FROM customers LIMIT 1",
    ),
    Case(
        name="constraint_added_by_hand",
        file=CHECK,
        when=before("1.1"),
        by_hand=("ALTER TABLE customers ADD CONSTRAINT name_short CHECK (length(name) < 100)",),
        code=5,
        says=OTHER,
        resolve=APPLIED,
        holds=SHORT,
    ),
    # between two steps
    Case(
        name="column_that_is_read_renamed",
        file=FILL,
        when=before("2.1"),
        by_hand=("ALTER TABLE customers RENAME name TO title",),
        code=5,
        says=OTHER,
        mend=("ALTER TABLE customers RENAME title TO name",),
    ),
    Case(
        name="new_column_dropped_again",
        file=FILL,
        when=before("2.1"),
        by_hand=("ALTER TABLE customers DROP COLUMN label",),
        code=5,
        says=OTHER,
        resolve=ROLLED_BACK,
    ),
    Case(
        name="constraint_dropped_before_it_is_validated",
        file=CHECK,
        when=before("1.2"),
        by_hand=("ALTER TABLE customers DROP CONSTRAINT name_short",),
        code=5,
        says=OTHER,
        resolve=ROLLED_BACK,
        holds=SHORT,
    ),
    Case(
        name="constraint_validated_by_hand",
        file=CHECK,
        when=before("1.2"),
        by_hand=("ALTER TABLE customers VALIDATE CONSTRAINT name_short",),
        code=5,
        says=OTHER,
        resolve=ACCEPT,
        holds=SHORT,
    ),
    # during a backfill
    Case(
        name="backfill_column_that_is_read_renamed",
        file=FILL,
        when=after_batch(1),
        by_hand=("ALTER TABLE customers RENAME name TO title",),
        code=5,
        says=OTHER,
        mend=("ALTER TABLE customers RENAME title TO name",),
    ),
    Case(
        name="backfill_other_column_renamed",
        file=FILL,
        when=after_batch(1),
        by_hand=("ALTER TABLE customers RENAME email TO mail",),
        code=5,
        says=OTHER,
        resolve=ACCEPT,
        holds="SELECT mail IS NOT NULL FROM customers LIMIT 1",
    ),
    Case(
        name="backfill_type_changed",
        file=FILL,
        when=after_batch(1),
        by_hand=("ALTER TABLE customers ALTER COLUMN label TYPE varchar(50)",),
        code=5,
        says=OTHER,
        resolve=ACCEPT,
        holds="SELECT atttypmod = 54 FROM pg_attribute "
        "WHERE attrelid = 'customers'::regclass AND attname = 'label'",
    ),
    Case(
        name="backfill_column_dropped",
        file=FILL,
        when=after_batch(1),
        by_hand=(f"DROP TRIGGER {TRIGGER} ON customers", "ALTER TABLE customers DROP COLUMN label"),
        code=5,
        says=OTHER,
        mend=(f"DROP FUNCTION {FUNCTION}()",),
        resolve=ROLLED_BACK,
    ),
    Case(
        name="backfill_key_dropped",
        file=FILL,
        when=after_batch(1),
        by_hand=("ALTER TABLE customers DROP CONSTRAINT customers_pkey",),
        code=5,
        says=OTHER,
        mend=("ALTER TABLE customers ADD PRIMARY KEY (id)",),
    ),
    Case(
        name="backfill_trigger_disabled",
        file=FILL,
        when=after_batch(1),
        by_hand=(
            f"ALTER TABLE customers DISABLE TRIGGER {TRIGGER}",
            "INSERT INTO customers VALUES (0, 'before', NULL), (1000, 'after', NULL)",
        ),
        code=5,
        says=OTHER,
        mend=(f"ALTER TABLE customers ENABLE TRIGGER {TRIGGER}",),
    ),
    Case(
        name="backfill_table_renamed",
        file=FILL,
        when=after_batch(1),
        by_hand=("ALTER TABLE customers RENAME TO clients",),
        code=5,
        says=GONE,
        mend=("ALTER TABLE clients RENAME TO customers",),
    ),
    Case(
        name="backfill_schema_moved",
        file=FILL,
        when=after_batch(1),
        by_hand=("CREATE SCHEMA elsewhere", "ALTER TABLE customers SET SCHEMA elsewhere"),
        code=5,
        says=GONE,
        mend=("ALTER TABLE elsewhere.customers SET SCHEMA public",),
    ),
    Case(
        name="backfill_table_dropped_and_made_anew",
        file=FILL,
        when=after_batch(1),
        by_hand=(
            "DROP TABLE customers",
            "CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL)",
            "INSERT INTO customers SELECT n, 'new ' || n FROM generate_series(1, 50) AS n",
        ),
        code=5,
        says=OTHER,
        mend=(f"DROP FUNCTION {FUNCTION}()",),
        resolve=ROLLED_BACK,
        holds="SELECT count(*) = 50 FROM customers",
    ),
    # an index of the name that the plan would make
    Case(
        name="index_of_another_definition",
        file=INDEX,
        when=before("1.1"),
        by_hand=("CREATE INDEX customers_name_idx ON customers (lower(name))",),
        code=8,
        says=r"exists with another definition: CREATE INDEX customers_name_idx .*lower\(name\)",
        mend=("ALTER INDEX customers_name_idx RENAME TO customers_lower_name_idx",),
        resolve=ACCEPT,
        holds="SELECT count(*) = 2 FROM pg_indexes WHERE indexname LIKE 'customers%name_idx'",
    ),
    Case(
        name="index_of_another_table",
        file=INDEX,
        when=before("1.1"),
        by_hand=("CREATE INDEX customers_name_idx ON orders_2025 (at)",),
        code=8,
        says=r"an index of that name exists on public\.orders_2025",
        mend=("ALTER INDEX customers_name_idx RENAME TO orders_2025_at_idx",),
        holds="SELECT true FROM pg_indexes WHERE indexname = 'orders_2025_at_idx'",
    ),
    Case(
        name="index_that_is_invalid",
        file=INDEX,
        when=before("1.1"),
        by_hand=(
            "CREATE INDEX customers_name_idx ON customers (name)",
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'customers_name_idx'::regclass",
        ),
        code=8,
        says="an invalid index of that name exists, which is not ours",
        mend=("DROP INDEX customers_name_idx",),
        holds="SELECT indisvalid FROM pg_index WHERE indexrelid = 'customers_name_idx'::regclass",
    ),
    Case(
        name="index_of_a_partitioned_table_dropped_between",
        file=PARTITIONED,
        when=before("1.2"),
        by_hand=("DROP INDEX orders_at_idx",),
        code=8,
        says=r"the index public\.orders_at_idx is gone",
        resolve=ROLLED_BACK,
        holds="SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_at_idx'::regclass",
    ),
)
