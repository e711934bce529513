"""Whether every row is right: what was promised, what was confirmed to writers, what nobody touched.

Reads one database after its application has ended. Returns the faults it finds as sentences; no fault is no
sentence.
"""

from typing import Any, LiteralString

import psycopg

from migrator.demo.ledger import Ledger
from migrator.demo.shop import Size

Connection = psycopg.Connection[tuple[Any, ...]]

PROMISES: dict[str, LiteralString] = {
    "orders without a confirmation_token": "SELECT count(*) FROM orders WHERE confirmation_token IS NULL",
    "orders that share a confirmation_token": (
        "SELECT count(*) - count(DISTINCT confirmation_token) FROM orders"
    ),
    "orders without a number": "SELECT count(*) FROM orders WHERE number IS NULL",
    "orders that share a number": "SELECT count(*) - count(DISTINCT number) FROM orders",
    "orders with is_gift unknown or true": "SELECT count(*) FROM orders WHERE is_gift IS NOT FALSE",
    "orders without a channel": "SELECT count(*) FROM orders WHERE channel IS NULL",
    "customers whose email_normalised is not lower(email)": (
        "SELECT count(*) FROM customers WHERE email_normalised IS DISTINCT FROM lower(email)"
    ),
}
"""Each counts rows that break it."""

UNTOUCHED: dict[str, LiteralString] = {
    "orders": (
        "SELECT count(*), sum(hashtextextended(ROW (id, customer_id, channel, total_cents, payment_method,"
        " metadata, created_at)::text, 0)) FROM orders WHERE metadata ? 'campaign'"
    ),
    "customers": (
        "SELECT count(*),"
        " sum(hashtextextended(ROW (id, name, country, status, metadata, created_at)::text, 0))"
        " FROM customers WHERE metadata ? 'newsletter'"
    ),
    "products": (
        "SELECT count(*), sum(hashtextextended(ROW (id, merchant_id, sku, name, description, price_cents,"
        " metadata, search, created_at)::text, 0)) FROM products"
    ),
    "product_categories": ("SELECT count(*), sum(hashtextextended(c::text, 0)) FROM product_categories AS c"),
    "order_items": (
        "SELECT count(*),"
        " sum(hashtextextended(ROW (order_id, line, product_id, quantity, price_cents)::text, 0))"
        " FROM order_items AS i WHERE EXISTS"
        " (SELECT FROM orders AS o WHERE o.id = i.order_id AND o.metadata ? 'campaign')"
    ),
    "order_history": (
        "SELECT count(*), sum(hashtextextended(ROW (order_id, number, status, happened_at)::text, 0))"
        " FROM order_history WHERE number = 1 AND status = 'delivered'"
    ),
    "events": (
        "SELECT count(*),"
        " sum(hashtextextended(ROW (id, kind, order_id, product_id, payload, happened_at)::text, 0))"
        " FROM events WHERE payload ? 'campaign'"
    ),
    "audit_log": "SELECT count(*), 0 FROM audit_log",
    "payouts": "SELECT count(*), sum(amount_cents) FROM payouts",
}
"""Columns of loaded rows that no application wrote: equal wherever the same migrations ran.

Loaded rows are told by their metadata, or by a status that no application begins with.
"""

LEDGER: dict[str, LiteralString] = {
    "orders that are not as their writer left them": (
        "SELECT count(*) FROM ledger_orders AS l LEFT JOIN orders AS o ON o.id = l.id"
        " WHERE o.status IS DISTINCT FROM l.status"
        " OR (l.total IS NOT NULL AND o.total_cents IS DISTINCT FROM l.total)"
        " OR l.items IS DISTINCT FROM (SELECT count(*) FROM order_items AS i WHERE i.order_id = l.id)"
        " OR l.history IS DISTINCT FROM (SELECT count(*) FROM order_history AS h WHERE h.order_id = l.id)"
        " OR (l.total IS NOT NULL AND NOT EXISTS (SELECT FROM events AS e WHERE e.order_id = l.id))"
    ),
    "cancelled orders that are still there, or without their events": (
        "SELECT count(*) FROM ledger_cancelled AS l WHERE EXISTS (SELECT FROM orders AS o WHERE o.id = l.id)"
        " OR EXISTS (SELECT FROM order_items AS i WHERE i.order_id = l.id)"
        " OR EXISTS (SELECT FROM order_history AS h WHERE h.order_id = l.id)"
        " OR 2 <> (SELECT count(*) FROM events AS e WHERE e.order_id = l.id)"
    ),
    "customers without the address they gave": (
        "SELECT count(*) FROM ledger_emails AS l LEFT JOIN customers AS c ON c.id = l.id"
        " WHERE c.email IS DISTINCT FROM l.email"
    ),
}
"""Each counts rows that differ from what the server confirmed."""


def faults(database: str, size: Size, ledger: Ledger) -> list[str]:
    """Return what is wrong with the rows."""
    with psycopg.connect(database, autocommit=True) as connection:
        copy_ledger(connection, ledger)
        counted = {name: one(connection, query) for name, query in (PROMISES | LEDGER).items()}
        found = [f"{count} {name}" for name, count in counted.items() if count != 0]
        return found + totals(connection, size, ledger)


def totals(connection: Connection, size: Size, ledger: Ledger) -> list[str]:
    """Compare the numbers of rows with what was loaded, placed and cancelled."""
    expected = {
        "orders": size.orders + ledger.placed - len(ledger.cancelled),
        "customers": size.customers + ledger.signed_up,
    }
    queries: dict[str, LiteralString] = {
        "orders": "SELECT count(*) FROM orders",
        "customers": "SELECT count(*) FROM customers",
    }
    found = {table: one(connection, query) for table, query in queries.items()}
    return [
        f"{found[table]} {table} where {rows} were expected"
        for table, rows in expected.items()
        if abs(found[table] - rows) > ledger.doubts
    ]


def untouched(database: str) -> dict[str, tuple[Any, ...]]:
    """Return a count and a checksum for the loaded rows of every table."""
    with psycopg.connect(database, autocommit=True) as connection:
        rows = {table: connection.execute(query).fetchone() for table, query in UNTOUCHED.items()}
    return {table: row or () for table, row in rows.items()}


def copy_ledger(connection: Connection, ledger: Ledger) -> None:
    """Put the ledger into temporary tables, so that the server can compare."""
    connection.execute(
        "CREATE TEMP TABLE ledger_orders (id uuid, status text, history bigint, items bigint, total bigint);"
        "CREATE TEMP TABLE ledger_cancelled (id uuid);"
        "CREATE TEMP TABLE ledger_emails (id uuid, email text)"
    )
    certain = {key: order for key, order in ledger.orders.items() if key not in ledger.uncertain}
    rows = [(key, o.status, o.history, o.items, o.total) for key, o in certain.items()]
    copy(connection, "COPY ledger_orders FROM STDIN", rows)
    copy(connection, "COPY ledger_cancelled FROM STDIN", [(key,) for key in ledger.cancelled])
    emails = [(key, email) for key, email in ledger.emails.items() if key not in ledger.uncertain]
    copy(connection, "COPY ledger_emails FROM STDIN", emails)


def copy(connection: Connection, command: LiteralString, rows: list[tuple[Any, ...]]) -> None:
    """Load rows into a table."""
    with connection.cursor() as cursor, cursor.copy(command) as stream:
        for row in rows:
            stream.write_row(row)


def one(connection: Connection, query: LiteralString) -> int:
    """Return the one number that a query gives."""
    row = connection.execute(query).fetchone()
    return 0 if row is None else int(row[0])
