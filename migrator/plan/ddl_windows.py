"""How the windows of a walk are written in SQL: ranges of a key, or of pages where a table has no key.

Keys travel as text and are cast here. A window is (last, end]; its end is taken over all rows, whether or not
they need work, so that each window costs its own rows only. Parameters are numbered by the order in which the
contract (`plan.step.Backfill`) names them.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from migrator.plan.step import KeyColumn
from migrator.plan.template import fill, literal
from migrator.postgres.identifiers import QualifiedName, quote

TUPLES_PER_PAGE = 291
"""MaxHeapTuplesPerPage for pages of 8 kB: no line pointer of a page has a higher number (server 13 only)."""


class Windows(Protocol):
    """The SQL of windows over one relation that stands in the query under the name `reference`."""

    @property
    def width(self) -> int:
        """How many parameters a key takes."""

    def upper_sql(self) -> str:
        """The last key."""

    def first_window_sql(self) -> str:
        """The end of the first window."""

    def next_window_sql(self) -> str:
        """The end of the window after a key."""

    def until(self, parameter: int) -> str:
        """Condition: up to and with the key that begins at `$parameter`."""

    def between(self, after: int, until: int) -> str:
        """Condition: in the window of two keys."""

    def at(self, parameter: int) -> str:
        """Condition: exactly this key."""

    def shown(self) -> str:
        """The key as text columns."""


class KeyWindows(msgspec.Struct, frozen=True, kw_only=True):
    """Windows by row comparison over a key; an index condition for composite keys too."""

    table: str
    """As it stands after FROM, quoted, with its alias."""
    reference: str
    """The name that qualifies its columns, quoted."""
    key: tuple[KeyColumn, ...]
    only: bool = False

    @property
    def width(self) -> int:
        """How many parameters a key takes."""
        return len(self.key)

    def upper_sql(self) -> str:
        """The last key; no row for an empty table."""
        return fill(
            "SELECT {shown} FROM {table} ORDER BY {descending} LIMIT 1",
            shown=self.shown(),
            table=self.table,
            descending=", ".join(f"{name} DESC" for name in self._names()),
        )

    def first_window_sql(self) -> str:
        """Parameters: upper bound, rows."""
        return self._window_sql(self.until(1), rows=self.width + 1)

    def next_window_sql(self) -> str:
        """Parameters: last key, upper bound, rows."""
        return self._window_sql(self.between(1, self.width + 1), rows=2 * self.width + 1)

    def after(self, parameter: int) -> str:
        """Condition: beyond the key that begins at `$parameter`."""
        return f"{_row(self._names())} > {_row(self._bound(parameter))}"

    def until(self, parameter: int) -> str:
        """Condition: up to and with the key that begins at `$parameter`."""
        return f"{_row(self._names())} <= {_row(self._bound(parameter))}"

    def between(self, after: int, until: int) -> str:
        """Condition: in the window of two keys."""
        return f"{self.after(after)} AND {self.until(until)}"

    def at(self, parameter: int) -> str:
        """Condition: exactly this key."""
        return f"{_row(self._names())} = {_row(self._bound(parameter))}"

    def shown(self) -> str:
        """The key as text columns."""
        return ", ".join(f"{name}::text" for name in self._names())

    def _names(self) -> list[str]:
        # Qualified: a bare name in ORDER BY would mean the text that is selected, not the column.
        return [f"{self.reference}.{quote(column.name)}" for column in self.key]

    def _bound(self, parameter: int) -> list[str]:
        return [f"${parameter + place}::{column.type}" for place, column in enumerate(self.key)]

    def _window_sql(self, condition: str, *, rows: int) -> str:
        """The last of the next `$rows` keys, so that the remainder at the end is a window too."""
        names = [f"key_{place}" for place, _ in enumerate(self.key, 1)]
        return fill(
            "SELECT {shown} FROM (SELECT {keys} FROM {table} WHERE {condition} ORDER BY {order}"
            " LIMIT ${rows}::bigint) AS next_rows ORDER BY {descending} LIMIT 1",
            shown=", ".join(f"next_rows.{name}::text" for name in names),
            keys=", ".join(f"{own} AS {name}" for own, name in zip(self._names(), names, strict=True)),
            table=self.table,
            condition=condition,
            order=", ".join(self._names()),
            rows=str(rows),
            descending=", ".join(f"next_rows.{name} DESC" for name in names),
        )


class PageWindows(msgspec.Struct, frozen=True, kw_only=True):
    """Windows by page numbers: a TID range on 14 and later, a generated list of TIDs on 13."""

    relation: QualifiedName
    reference: str
    tid_range_scan: bool

    @property
    def width(self) -> int:
        """A page number."""
        return 1

    def upper_sql(self) -> str:
        """The last page; no row for an empty table."""
        return fill(
            "SELECT (size.pages - 1)::text FROM (SELECT pg_catalog.pg_relation_size({table})"
            " / pg_catalog.current_setting('block_size')::bigint AS pages) AS size WHERE size.pages > 0",
            table=self._regclass(),
        )

    def first_window_sql(self) -> str:
        """Parameters: upper bound, rows."""
        return self._window_sql("LEAST($1::bigint, {pages} - 1)", "$1::bigint >= 0", rows=2)

    def next_window_sql(self) -> str:
        """Parameters: last page, upper bound, rows."""
        return self._window_sql("LEAST($2::bigint, $1::bigint + {pages})", "$1::bigint < $2::bigint", rows=3)

    def after(self, parameter: int) -> str:
        """Condition: on a page beyond `$parameter`."""
        return f"{self.reference}.ctid >= {_tid(parameter)}"

    def until(self, parameter: int) -> str:
        """Condition: on a page up to and with `$parameter`."""
        if self.tid_range_scan:
            return f"{self.reference}.ctid < {_tid(parameter)}"
        return self._among("0", f"${parameter}::bigint")

    def between(self, after: int, until: int) -> str:
        """Condition: on a page in the window."""
        if self.tid_range_scan:
            return f"{self.after(after)} AND {self.until(until)}"
        return self._among(f"${after}::bigint + 1", f"${until}::bigint")

    def at(self, parameter: int) -> str:
        """Condition: on exactly this page."""
        if self.tid_range_scan:
            page = f"('(' || (${parameter}::bigint)::text || ',0)')::tid"
            return f"{self.reference}.ctid >= {page} AND {self.until(parameter)}"
        return self._among(f"${parameter}::bigint", f"${parameter}::bigint")

    def shown(self) -> str:
        """The page number as text, once for all its rows."""
        return f"DISTINCT pg_catalog.split_part(pg_catalog.substr({self.reference}.ctid::text, 2), ',', 1)"

    def _regclass(self) -> str:
        return f"{literal(self.relation.quoted)}::pg_catalog.regclass"

    def _among(self, first: str, last: str) -> str:
        return fill(
            "{reference}.ctid = ANY (ARRAY(SELECT ('(' || page::text || ',' || item::text || ')')::tid"
            " FROM pg_catalog.generate_series({first}, {last}) AS page,"
            " pg_catalog.generate_series(1, {most}) AS item))",
            reference=self.reference,
            first=first,
            last=last,
            most=str(TUPLES_PER_PAGE),
        )

    def _window_sql(self, end: str, condition: str, *, rows: int) -> str:
        """As many pages as hold about `$rows` rows, at least one; 50 rows to a page where it is unknown."""
        pages = f"GREATEST(1, ${rows}::bigint / density.rows)"
        return fill(
            "SELECT ({end})::text FROM (SELECT CASE WHEN reltuples > 0 AND relpages > 0"
            " THEN GREATEST(1, (reltuples / relpages)::bigint) ELSE 50 END AS rows"
            " FROM pg_catalog.pg_class WHERE oid = {table}) AS density WHERE {condition}",
            end=fill(end, pages=pages),
            table=self._regclass(),
            condition=condition,
        )


def _row(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"({', '.join(values)})"


def _tid(parameter: int) -> str:
    """The beginning of the page after `$parameter`."""
    return f"('(' || (${parameter}::bigint + 1)::text || ',0)')::tid"
