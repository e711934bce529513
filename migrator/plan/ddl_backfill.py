"""Builds `Backfill` work: every query of a walk, complete, from names and slices of the user's file.

Two kinds stand here, a third in `ddl_captured`. *Idempotent*: the row is changed while it does not hold its
value, so a window may run twice. *Default*: `SET z = DEFAULT WHERE z IS NULL`. *Once-only*: the keys are
captured first, and a row leaves that list in the statement that changes it.

The form for contention locks what it can get (SKIP LOCKED) in a materialized CTE and joins on the key: a CTE
joined on ctid loses rows that another session changed in between, and `IN (SELECT … LIMIT n FOR UPDATE SKIP
LOCKED)` updates more than n rows. Tables without a key have no other join than ctid; the rows it loses are
found by `remaining_sql`, which for them reads the whole table, and are changed in place. (docs/backfill.md
has the whole story.)

Assumes a relation that `walk_key.walkable` accepts, and an expression that the operation has judged; raises
ValueError where it is called for anything else, which is a bug of the caller.
"""

from __future__ import annotations

from functools import partial

import msgspec

from migrator.plan.ddl import Sql
from migrator.plan.ddl_comparison import assignable_type, differs, filled, holds
from migrator.plan.ddl_windows import KeyWindows, PageWindows, Windows
from migrator.plan.step import Backfill
from migrator.plan.template import conjunction, disjunction, fill, unused
from migrator.plan.walk_key import walk_key, walkable
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import quote
from migrator.postgres.versions import ServerVersion

DEFAULT = Sql("DEFAULT")
NULL = Sql("NULL")


class Filling(msgspec.Struct, frozen=True, kw_only=True):
    """`column = value` of a backfill."""

    column: str
    type: str
    """format_type's text, e.g. `character varying(20)`."""
    value: Sql
    """A slice of the user's file, or DEFAULT (then it is volatile)."""
    volatile: bool = False
    """Gives another value each time, or is DEFAULT: not to be compared with, so `unfilled` must be given."""
    once: bool = False
    """Evaluated once when the walk begins, and bound as a parameter from then on."""
    unfilled: Sql | None = None
    """What a row holds that nobody has filled yet (NULL, or the default it was added with). Where known,
    rows that hold anything else are left alone: the application may have written them. None: every row whose
    value differs is changed, once, and none is looked for again at the end."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The table of a walk, and the rows that are meant."""

    relation: Relation
    server: ServerVersion
    alias: str | None = None
    """The alias that the user's slices use, folded."""
    only: bool = False
    where: Sql | None = None
    """The user's own condition."""
    existing: bool = False
    """Only rows that exist are meant, and the application writes these columns too: a row that needs work at
    the end need not have been forgotten, so none is looked for."""

    @property
    def reference(self) -> str:
        """The quoted name that qualifies columns."""
        return quote(self.alias or self.relation.name.name)

    @property
    def table(self) -> str:
        """The table as it stands after UPDATE and FROM."""
        only = "ONLY " if self.only else ""
        alias = f" AS {quote(self.alias)}" if self.alias else ""
        return f"{only}{self.relation.name.quoted}{alias}"

    @property
    def taken_names(self) -> set[str]:
        """Names that a helper of ours must not have, or a slice would mean something else."""
        return {self.relation.name.name, self.alias or "", *(c.name for c in self.relation.columns)}

    def windows(self) -> Windows:
        """Windows by key, else by pages."""
        if not walkable(self.relation):
            message = f"{self.relation.name} cannot be walked"
            raise ValueError(message)
        key = walk_key(self.relation)
        if key:
            return KeyWindows(table=self.table, reference=self.reference, key=key)
        return PageWindows(
            relation=self.relation.name,
            reference=self.reference,
            tid_range_scan=self.server.tid_range_scan,
        )


def idempotent_backfill(target: Target, fillings: tuple[Filling, ...]) -> Backfill:
    """Return a walk in which a row is changed while it does not hold its value."""
    if any(f.volatile and f.unfilled is None for f in fillings):
        message = "a volatile value cannot be compared with: say what an unfilled row holds"
        raise ValueError(message)
    return _Walk(target=target, fillings=fillings, windows=target.windows()).backfill()


def default_backfill(relation: Relation, column: str, column_type: str, *, server: ServerVersion) -> Backfill:
    """Return the walk of `SET column = DEFAULT WHERE column IS NULL` (catalogue R1, R2)."""
    filling = Filling(column=column, type=column_type, value=DEFAULT, volatile=True, unfilled=NULL)
    return idempotent_backfill(Target(relation=relation, server=server), (filling,))


def locking_clause(relation: Relation, columns: tuple[str, ...]) -> str:
    """FOR UPDATE where the UPDATE itself will take that lock: a column of a unique index changes."""
    keys = {name for index in relation.indexes if index.unique for name in index.keys}
    return "FOR UPDATE" if keys & set(columns) else "FOR NO KEY UPDATE"


class _Walk(msgspec.Struct, frozen=True, kw_only=True):
    """The queries of an idempotent walk."""

    target: Target
    fillings: tuple[Filling, ...]
    windows: Windows

    def backfill(self) -> Backfill:
        k, windows = self.windows.width, self.windows
        return Backfill(
            table=self.target.relation.name,
            key=walk_key(self.target.relation),
            value_sql=value_queries(self.fillings),
            upper_sql=windows.upper_sql(),
            first_window_sql=windows.first_window_sql(),
            next_window_sql=windows.next_window_sql(),
            first_update_sql=self._update(windows.until(1), values=k + 1),
            update_sql=self._update(windows.between(1, k + 1), values=2 * k + 1),
            first_skip_locked_sql=self._skip_locked(windows.until(1), values=k + 1),
            skip_locked_sql=self._skip_locked(windows.between(1, k + 1), values=2 * k + 1),
            first_left_sql=self._keys(windows.until(1), values=k + 1),
            left_sql=self._keys(windows.between(1, k + 1), values=2 * k + 1),
            row_sql=self._update(windows.at(1), values=k + 1),
            remaining_sql=self._remaining(values=k + 1),
            estimated_rows=self.target.relation.rows,
        )

    def _update(self, condition: str, *, values: int) -> str:
        return fill(
            "UPDATE {table} SET {assignments} WHERE {condition}",
            table=self.target.table,
            assignments=assignments(self.fillings, values),
            condition=self._rows(condition, values),
        )

    def _skip_locked(self, condition: str, *, values: int) -> str:
        name = partial(unused, taken=self.target.taken_names)
        batch = name("migrator_batch")
        joined = [
            (own, f"{batch}.{quote(name(f'migrator_key_{place}'))}")
            for place, own in enumerate(self._locators(), 1)
        ]
        return fill(
            "WITH {batch} AS MATERIALIZED (SELECT {keys} FROM {table} WHERE {condition}"
            " {locking} OF {reference} SKIP LOCKED),"
            " {changed} AS (UPDATE {table} SET {assignments} FROM {batch}"
            " WHERE {join} AND {again} RETURNING 1) SELECT count(*) FROM {changed}",
            batch=batch,
            changed=name("migrator_changed"),
            keys=", ".join(f"{own} AS {key.partition('.')[2]}" for own, key in joined),
            table=self.target.table,
            condition=self._rows(condition, values),
            locking=locking_clause(self.target.relation, tuple(f.column for f in self.fillings)),
            reference=self.target.reference,
            assignments=assignments(self.fillings, values),
            join=" AND ".join(f"{own} = {key}" for own, key in joined),
            # The window once more: or the join may read the whole table, where statistics are poor.
            again=self._rows(condition, values),
        )

    def _keys(self, condition: str, *, values: int) -> str:
        return fill(
            "SELECT {shown} FROM {table} WHERE {condition}",
            shown=self.windows.shown(),
            table=self.target.table,
            condition=self._rows(condition, values),
        )

    def _remaining(self, *, values: int) -> str:
        """Up to the upper bound; without a key a changed row may be anywhere, so the whole table is read."""
        every_page = isinstance(self.windows, PageWindows)
        condition = "$1::bigint IS NOT NULL" if every_page else self.windows.until(1)
        if not self._final:
            condition = f"false AND {self.windows.until(1)}"
        return self._keys(condition, values=values) + " LIMIT 5"

    @property
    def _final(self) -> bool:
        """Whether a row that was filled stays filled, so one that needs work must have been forgotten."""
        return not self.target.existing and all(f.unfilled is not None for f in self.fillings)

    def _locators(self) -> list[str]:
        """What a row is found again by within one statement."""
        key = walk_key(self.target.relation)
        return [f"{self.target.reference}.{quote(c.name)}" for c in key] or [f"{self.target.reference}.ctid"]

    def _rows(self, condition: str, values: int) -> str:
        bound = self._bound(values)
        work = [self._needs_work(f, value) for f, value in zip(self.fillings, bound, strict=True)]
        return conjunction([condition, self.target.where, disjunction(work)])

    def _needs_work(self, filling: Filling, value: str) -> str:
        column = f"{self.target.reference}.{quote(filling.column)}"
        if filling.unfilled is None:
            return differs(column, value, filling.type)
        unfilled = holds(column, filling.unfilled, filling.type)
        if filling.volatile:
            return unfilled
        if filling.unfilled == NULL:
            return conjunction([unfilled, filled(f"({value})::{filling.type}")])
        return conjunction([unfilled, differs(column, value, filling.type)])

    def _bound(self, parameter: int) -> list[str]:
        return bound_values(self.fillings, parameter)


def bound_values(fillings: tuple[Filling, ...], parameter: int) -> list[str]:
    """Return each value: the slice, or the parameter that holds what it gave when the walk began."""
    result = []
    for filling in fillings:
        once = f"${parameter}::{assignable_type(filling.type)}"
        result.append(once if filling.once else str(filling.value))
        parameter += filling.once
    return result


def assignments(fillings: tuple[Filling, ...], parameter: int) -> str:
    """Return what stands after SET."""
    values = bound_values(fillings, parameter)
    return ", ".join(f"{quote(f.column)} = {value}" for f, value in zip(fillings, values, strict=True))


def value_queries(fillings: tuple[Filling, ...]) -> tuple[str, ...]:
    """Return the queries of the values that are evaluated once."""
    template = "SELECT (({value})::{type})::text"
    once = [f for f in fillings if f.once]
    return tuple(fill(template, value=f.value, type=assignable_type(f.type)) for f in once)
