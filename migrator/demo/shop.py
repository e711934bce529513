"""The shop: how many rows it has, and loading them with a few statements that make whole tables at once."""

from dataclasses import dataclass
from importlib.resources import files

import psycopg


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many rows the tables have when the doors open."""

    orders: int

    @property
    def customers(self) -> int:
        """A customer for every fourth order, and more than `small_table_rows`."""
        return max(12_000, self.orders // 4)

    @property
    def products(self) -> int:
        """A small table, as the list of products of a shop is."""
        return 1_000

    @property
    def rows(self) -> int:
        """All rows: one line and one event belong to each order."""
        return 3 * self.orders + self.customers + self.products


def load(database: str, size: Size) -> None:
    """Fill the empty tables; the values depend on the row's number alone, so two copies are equal."""
    script = files("migrator.demo").joinpath("load.sql").read_text()
    values = {"orders": size.orders, "customers": size.customers, "products": size.products}
    with psycopg.connect(database, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        for statement in script.split(";\n"):
            connection.execute(statement.encode(), values)
