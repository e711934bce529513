"""Whether two scratch databases hold the same rows.

A column may differ where two executions of the user's own text differ in it (`again`), and where the numbers
of a sequence were handed out in another order (`numbered`); then its NULLs and its number of different values
are compared, and it is said that no more was proved. What the user's own triggers do to the rows that a
backfill fills (`triggered`) is said too: as written no row is updated, so they do not fire.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from migrator.database.translate import translating
from migrator.postgres.identifiers import QualifiedName
from migrator.shadow.contents import Contents, contents_connector

if TYPE_CHECKING:
    from collections.abc import Sequence

Column = tuple[QualifiedName, str]

Again = Callable[[], str]
"""Executes the user's text once more on a copy of the database before, and returns the URL."""

_LONGEST_ROW = 160

_SHOWN_COLUMNS = 5


class Triggered(msgspec.Struct, frozen=True, kw_only=True):
    """A table whose rows a backfill updates, with triggers of the user's that fire then."""

    triggers: tuple[str, ...]
    mentioned: frozenset[str]
    """Columns that the text names: of these the triggers are no excuse."""


class Allowed(msgspec.Struct, frozen=True, kw_only=True):
    """Where rows may differ, and why."""

    numbered: frozenset[Column] = frozenset()
    triggered: Mapping[QualifiedName, Triggered] = msgspec.field(default_factory=dict)
    touched: frozenset[QualifiedName] = frozenset()
    """What the text touches; other tables are only changed by triggers."""


@dataclass(slots=True, kw_only=True)
class RowComparison:
    """What a comparison found."""

    differences: list[str] = field(default_factory=list)
    unproved: list[str] = field(default_factory=list)


def compare_rows(
    planned: str, written: str, *, without: Sequence[str], allowed: Allowed, again: Again
) -> RowComparison:
    """Compare the rows and sequences of two databases; `again` is only called where they differ."""
    with contextlib.ExitStack() as stack, translating("comparing the rows"):

        def opened(url: str) -> Contents:
            return Contents(stack.enter_context(contents_connector(url).session("compare")), without=without)

        comparison = _Comparison(opened(planned), opened(written), allowed, lambda: opened(again()))
        for table in sorted(comparison.planned.columns, key=str):
            if table in comparison.written.columns:
                comparison.compare(table)
        comparison.compare_sequences()
        return comparison.found


class _Comparison:
    """Two databases, and a third one where it is needed."""

    def __init__(
        self, planned: Contents, written: Contents, allowed: Allowed, again: Callable[[], Contents]
    ) -> None:
        self.planned, self.written = planned, written
        self.found = RowComparison()
        self._allowed = allowed
        self._again = again
        self._third: Contents | None = None
        self._free: set[Column] = set(allowed.numbered)

    @property
    def third(self) -> Contents:
        """The user's text, executed once more."""
        if self._third is None:
            self._third = self._again()
        return self._third

    def compare(self, table: QualifiedName) -> None:
        """Compare the rows of one table that both have."""
        shared = set(self.written.columns[table])
        columns = [column for column in self.planned.columns[table] if column in shared]
        if self._same(table, columns):
            return
        free = [column for column in columns if self._is_free(table, column)]
        self._free |= {(table, column) for column in free}
        fixed = [column for column in columns if column not in free]
        if not self._same(table, fixed) and not self._is_triggers_work(table, fixed):
            self._differ(table, fixed)
            return
        for column in free:
            self._compare_free(table, column)

    def compare_sequences(self) -> None:
        """Compare the next numbers of all sequences."""
        for name, planned in sorted(self.planned.sequences.items(), key=lambda pair: str(pair[0])):
            written = self.written.sequences.get(name)
            if written is None or planned.next == written.next:
                continue
            said = (
                f"sequence {name}: the next number is {planned.next} by the plan, {written.next} as written"
            )
            if planned.owner in self._free and planned.next > written.next:
                self.found.unproved.append(said)
            else:
                self.found.differences.append(said)

    def _same(self, table: QualifiedName, columns: Sequence[str]) -> bool:
        return self.planned.digest(table, columns) == self.written.digest(table, columns)

    def _is_free(self, table: QualifiedName, column: str) -> bool:
        """Whether this column may differ, and, but for those that are numbered, does."""
        if (table, column) in self._allowed.numbered:
            return True
        if self._same(table, [column]):
            return False
        if column not in self.third.columns.get(table, ()):
            return False
        return self.third.digest(table, [column]) != self.written.digest(table, [column])

    def _is_triggers_work(self, table: QualifiedName, columns: Sequence[str]) -> bool:
        """Whether the user's triggers have made the difference, which is then said."""
        if table not in self._allowed.touched and self._allowed.triggered:
            names = ", ".join(t for each in self._allowed.triggered.values() for t in each.triggers)
            self.found.unproved.append(
                f"{table} differs: a backfill fires {names}, the text as written does not"
            )
            return True
        triggered = self._allowed.triggered.get(table)
        if triggered is None:
            return False
        changed = [
            column
            for column in columns
            if column not in triggered.mentioned and not self._same(table, [column])
        ]
        if not changed or not self._same(table, [column for column in columns if column not in changed]):
            return False
        self.found.unproved.append(_by_triggers(table, changed, triggered))
        return True

    def _compare_free(self, table: QualifiedName, column: str) -> None:
        planned, written = (
            side.missing_and_different(table, column) for side in (self.planned, self.written)
        )
        constant = (table, column) in self._allowed.numbered or written == self.third.missing_and_different(
            table, column
        )
        if planned[0] != written[0] or (constant and planned != written):
            triggered = self._allowed.triggered.get(table)
            if triggered is not None and column not in triggered.mentioned:
                self.found.unproved.append(_by_triggers(table, [column], triggered))
                return
            self.found.differences.append(
                f"{table}.{column}: {planned[0]:,} NULLs and {planned[1]:,} values by the plan, "
                f"{written[0]:,} and {written[1]:,} as written"
            )
        else:
            self.found.unproved.append(
                f"the values of {table}.{column} are others each time: compared were its NULLs"
                + (f" and that it has {planned[1]:,} different values" if constant else "")
            )

    def _differ(self, table: QualifiedName, columns: Sequence[str]) -> None:
        counts = [side.digest(table, columns)[0] for side in (self.planned, self.written)]
        if counts[0] != counts[1]:
            self.found.differences.append(
                f"{table}: {counts[0]:,} rows by the plan, {counts[1]:,} as written"
            )
        else:
            differing = [column for column in columns if not self._same(table, [column])]
            where = ", ".join(differing) if differing else "which values belong together"
            self.found.differences.append(f"{table}: {where} not as written")
        differing = [column for column in columns if not self._same(table, [column])] or list(columns)
        shown = list(dict.fromkeys([*(c for c in columns if c == "id"), *differing]))[:_SHOWN_COLUMNS]
        planned, written = (side.hashes(table, columns) for side in (self.planned, self.written))
        for who, side, hashes in (
            ("by the plan", self.planned, planned - written),
            ("as written", self.written, written - planned),
        ):
            for text in side.rows(table, columns, hashes, shown):
                self.found.differences.append(f"{table}: {who}: ({', '.join(shown)}) = {_cut(text)}")


def _by_triggers(table: QualifiedName, columns: Sequence[str], triggered: Triggered) -> str:
    return (
        f"{table}: {', '.join(columns)} not as written: the backfill updates rows, and trigger "
        f"{', '.join(triggered.triggers)} fires; a WHEN condition keeps it still (docs/backfill.md)"
    )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_ROW else text[: _LONGEST_ROW - 1] + "…"
