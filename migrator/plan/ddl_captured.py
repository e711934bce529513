"""Builds the walk of what may happen to each row only once: an UPDATE like `price = price * 1.1`, a DELETE.

The keys of the rows that are meant are captured in a table of the journal schema, in the transaction that
records the start. The walk goes over that list; a row leaves it in the same statement that changes or
deletes the row, so the list is the done mark, committing with each row. The user's WHERE is looked at again
when the row's turn comes. New rows are not in the list. Needs a real key: raises ValueError without one,
which the operation has to prevent.
"""

from __future__ import annotations

import msgspec

from migrator.plan.ddl_backfill import (
    Filling,
    Target,
    assignments,
    bound_values,
    locking_clause,
    value_queries,
)
from migrator.plan.ddl_windows import KeyWindows
from migrator.plan.step import Backfill, KeyColumn
from migrator.plan.template import conjunction, fill, unused
from migrator.plan.walk_key import walk_key
from migrator.postgres.identifiers import QualifiedName, quote


def once_only_backfill(target: Target, fillings: tuple[Filling, ...], *, captured: QualifiedName) -> Backfill:
    """Return the walk; `captured` is the list's own name, in the journal schema."""
    key = walk_key(target.relation)
    if not key:
        message = f"{target.relation.name} has no key to capture"
        raise ValueError(message)
    return _CapturedWalk(target=target, fillings=fillings, captured=captured, key=key).backfill()


def captured_delete(target: Target, *, captured: QualifiedName) -> Backfill:
    """Return the walk of a DELETE; a row whose key is used again meanwhile is another row, and stays.

    Unless it was taken after the list and before its turn: then WHERE decides, as it does for each row.
    """
    return once_only_backfill(target, (), captured=captured)


class _CapturedWalk(msgspec.Struct, frozen=True, kw_only=True):
    target: Target
    fillings: tuple[Filling, ...]
    """What is assigned; nothing for a DELETE."""
    captured: QualifiedName
    key: tuple[KeyColumn, ...]

    def backfill(self) -> Backfill:
        k, windows, own = len(self.key), self._windows, self._own_windows
        return Backfill(
            table=self.target.relation.name,
            key=self.key,
            prepare_sql=self._prepare(),
            value_sql=value_queries(self.fillings),
            upper_sql=windows.upper_sql(),
            first_window_sql=windows.first_window_sql(),
            next_window_sql=windows.next_window_sql(),
            first_update_sql=self._update(windows.until(1), own.until(1), values=k + 1),
            update_sql=self._update(windows.between(1, k + 1), own.between(1, k + 1), values=2 * k + 1),
            first_skip_locked_sql=self._skip_locked(windows.until(1), own.until(1), values=k + 1),
            skip_locked_sql=self._skip_locked(
                windows.between(1, k + 1), own.between(1, k + 1), values=2 * k + 1
            ),
            first_left_sql=self._keys(windows.until(1), values=k + 1),
            left_sql=self._keys(windows.between(1, k + 1), values=2 * k + 1),
            row_sql=self._update(windows.at(1), own.at(1), values=k + 1),
            remaining_sql=self._keys(windows.until(1), values=k + 1) + " LIMIT 5",
            finish_sql=(fill("DROP TABLE {list}", list=self.captured.quoted),),
            estimated_rows=self.target.relation.rows,
        )

    def _prepare(self) -> tuple[str, ...]:
        names = ", ".join(quote(column.name) for column in self._list_key)
        capture = fill(
            "CREATE TABLE {list} AS SELECT {keys} FROM {table} WHERE {where}",
            list=self.captured.quoted,
            keys=", ".join(
                f"{own} AS {quote(column.name)}"
                for own, column in zip(self._own_key(), self._list_key, strict=True)
            ),
            table=self.target.table,
            where=conjunction([self.target.where]),
        )
        return (
            capture,
            fill("ALTER TABLE {list} ADD PRIMARY KEY ({names})", list=self.captured.quoted, names=names),
            fill("ANALYZE {list}", list=self.captured.quoted),
        )

    def _update(self, condition: str, own: str, *, values: int) -> str:
        return fill(
            "WITH {taken} AS (DELETE FROM {list} WHERE {condition} RETURNING {shown}) {change} WHERE {rows}",
            taken=self._name("migrator_taken"),
            list=self._list,
            condition=conjunction([condition]),
            shown=self._list_columns(),
            change=self._change(values),
            rows=self._rows("migrator_taken", own),
        )

    def _change(self, values: int) -> str:
        """Up to WHERE: what happens to the rows whose keys were taken from the list."""
        taken = self._name("migrator_taken")
        if not self.fillings:
            return fill("DELETE FROM {table} USING {taken}", table=self.target.table, taken=taken)
        return fill(
            "UPDATE {table} SET {assignments} FROM {taken}",
            table=self.target.table,
            assignments=assignments(self.fillings, values),
            taken=taken,
        )

    def _locking(self) -> str:
        columns = tuple(f.column for f in self.fillings)
        return locking_clause(self.target.relation, columns) if columns else "FOR UPDATE"

    def _skip_locked(self, condition: str, own: str, *, values: int) -> str:
        return fill(
            "WITH {batch} AS MATERIALIZED (SELECT {shown} FROM {list} JOIN {table} ON {locked}"
            " WHERE {condition} {locking} OF {reference} SKIP LOCKED),"
            " {taken} AS (DELETE FROM {list} USING {batch} WHERE {same} RETURNING {shown}),"
            " {changed} AS ({change} WHERE {rows} RETURNING 1)"
            " SELECT count(*) FROM {changed}",
            batch=self._name("migrator_batch"),
            taken=self._name("migrator_taken"),
            changed=self._name("migrator_changed"),
            shown=self._list_columns(),
            list=self._list,
            table=self.target.table,
            locked=self._joined("migrator_list"),
            condition=conjunction([condition]),
            locking=self._locking(),
            reference=self.target.reference,
            same=self._equal("migrator_list", "migrator_batch"),
            change=self._change(values),
            rows=self._rows("migrator_taken", own),
        )

    def _keys(self, condition: str, *, values: int) -> str:
        # A parameter that is not mentioned has no type, and the server refuses the query.
        bound = zip(self.fillings, bound_values(self.fillings, values), strict=True)
        mentioned = [f"({value} IS NULL) IS NOT NULL" for filling, value in bound if filling.once]
        return fill(
            "SELECT {shown} FROM {list} WHERE {condition}",
            shown=self._windows.shown(),
            list=self._list,
            condition=conjunction([condition, *mentioned]),
        )

    def _rows(self, taken: str, own: str) -> str:
        # The window of the table's own key: or the join may read all of it, where statistics are poor.
        return conjunction([self._joined(taken), own, self.target.where])

    def _joined(self, listed: str) -> str:
        pairs = zip(self._own_key(), self._list_key, strict=True)
        return " AND ".join(f"{own} = {self._name(listed)}.{quote(column.name)}" for own, column in pairs)

    def _equal(self, one: str, other: str) -> str:
        names = [quote(column.name) for column in self._list_key]
        return " AND ".join(f"{self._name(one)}.{name} = {self._name(other)}.{name}" for name in names)

    def _list_columns(self) -> str:
        return ", ".join(f"{self._name('migrator_list')}.{quote(c.name)}" for c in self._list_key)

    def _own_key(self) -> list[str]:
        return [f"{self.target.reference}.{quote(column.name)}" for column in self.key]

    def _name(self, wanted: str) -> str:
        return unused(wanted, self.target.taken_names)

    @property
    def _list(self) -> str:
        return f"{self.captured.quoted} AS {self._name('migrator_list')}"

    @property
    def _list_key(self) -> tuple[KeyColumn, ...]:
        """The list's columns: names that no slice of the user's can mean."""
        names = [self._name(f"migrator_key_{place}") for place, _ in enumerate(self.key, 1)]
        return tuple(KeyColumn(name, column.type) for name, column in zip(names, self.key, strict=True))

    @property
    def _own_windows(self) -> KeyWindows:
        return KeyWindows(table=self.target.table, reference=self.target.reference, key=self.key)

    @property
    def _windows(self) -> KeyWindows:
        return KeyWindows(table=self._list, reference=self._name("migrator_list"), key=self._list_key)
