"""The sample migrations, and how the naive run cuts them."""

from pathlib import Path

from migrator.demo import naive, samples

KINDS = (
    "ADD COLUMN confirmation_token uuid NOT NULL DEFAULT gen_random_uuid()",
    "ADD COLUMN is_gift boolean NOT NULL DEFAULT false",
    "UPDATE customers SET email_normalised = lower(email)",
    "ALTER COLUMN channel SET NOT NULL",
    "ADD CONSTRAINT orders_total_not_negative CHECK",
    "ADD CONSTRAINT order_items_order_fkey FOREIGN KEY",
    "CREATE INDEX orders_channel_created_at_idx",
    "CREATE UNIQUE INDEX orders_confirmation_token_key",
    "DROP INDEX orders_status_idx",
    "ADD CONSTRAINT customers_email_normalised_key UNIQUE",
    "ADD PRIMARY KEY",
    "ADD CONSTRAINT orders_shipped_after_created CHECK",
    "CREATE TABLE returns",
    "ALTER TYPE payment_method ADD VALUE",
    "UPDATE products SET price_cents = price_cents * 11 / 10",
    "SELECT create_event_partitions(",
    "BEGIN;",
    "DELETE FROM legacy_carts",
    "DROP TABLE legacy_carts",
    "PARTITION OF events",
    "DETACH PARTITION events_2026_01",
    "DROP CONSTRAINT orders_status_check",
)


def test_the_shop_comes_first() -> None:
    first, later = samples.history(samples.folder())

    assert first[0].name.endswith("_shop.sql")
    assert {samples.name(file).partition("_")[0] for file in first} == {"shop"}
    assert max(map(samples.version, first)) < min(map(samples.version, later))
    assert [samples.version(file) for file in later] == sorted(samples.version(file) for file in later)


def test_every_operation_has_a_file() -> None:
    _, later = samples.history(samples.folder())
    text = "\n".join(file.read_text() for file in later)

    assert [kind for kind in KINDS if kind not in text] == []


def test_one_file_needs_the_next_release_of_the_application() -> None:
    _, later = samples.history(samples.folder())

    assert len([file for file in later if samples.needs_release(file)]) == 1


def test_statements_run_one_by_one(tmp_path: Path) -> None:
    file = tmp_path / "1_a.sql"
    file.write_text("CREATE TABLE t (a int);\nSELECT ';';")

    assert naive.units_of(file) == [("CREATE TABLE t (a int)",), ("SELECT ';'",)]


def test_a_file_with_an_update_is_one_transaction(tmp_path: Path) -> None:
    file = tmp_path / "1_a.sql"
    file.write_text("ALTER TABLE t ADD b int; update t SET b = 1;")

    assert naive.units_of(file) == [("ALTER TABLE t ADD b int", "update t SET b = 1")]


def test_a_file_that_begins_a_transaction_is_one(tmp_path: Path) -> None:
    file = tmp_path / "1_a.sql"
    file.write_text("begin;\nALTER TABLE t ADD b int;\nALTER TABLE t ADD c int;\nCOMMIT;")

    assert naive.units_of(file) == [("ALTER TABLE t ADD b int", "ALTER TABLE t ADD c int")]
