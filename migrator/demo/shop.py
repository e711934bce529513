"""The shop: how many rows it has, and loading them with a few statements that make whole tables at once."""

import hashlib
from importlib.resources import files
from uuid import UUID

import msgspec
import psycopg


class Size(msgspec.Struct, frozen=True, kw_only=True):
    """How many rows the tables have when the doors open."""

    orders: int

    @property
    def customers(self) -> int:
        """A customer for every fourth order, and more than `small_table_rows`."""
        return max(12_000, self.orders // 4)

    @property
    def products(self) -> int:
        """More than `small_table_rows`, and everybody's: the busiest rows of the shop."""
        return 12_000

    @property
    def rows(self) -> int:
        """All rows: a line, an entry in the history and an event to each order, an old cart to each customer.

        The 130 rows of merchants, payouts and categories are among them, and the products' categories.
        """
        return 4 * self.orders + 2 * self.customers + 2 * self.products + 130


def key(table: str, number: int) -> UUID:
    """Return the id of a loaded row: `key("order", 7)`. load.sql computes the same."""
    return UUID(hashlib.md5(f"{table} {number}".encode(), usedforsecurity=False).hexdigest())


def load(database: str, size: Size) -> None:
    """Fill the empty tables; the values depend on the row's number alone, so two copies are equal."""
    script = files("migrator.demo").joinpath("load.sql").read_text()
    values = {"orders": size.orders, "customers": size.customers, "products": size.products}
    with psycopg.connect(database, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        for statement in script.split(";\n"):
            connection.execute(statement.encode(), values)
