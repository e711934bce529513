"""The touched tables before and after, as entity relationship diagrams of Mermaid.

Drawn are the tables that the files touch, with their columns and keys, and by keys alone their partners in
foreign keys; limited in number, and what is not drawn is counted. Where no column, key or foreign key changes
there is one diagram. Nothing is drawn of tables whose columns are not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migrator.planner import fold as fold_facts
from migrator.postgres.facts import Column, ConstraintKind, Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.reports.markdown.escape import fold
from migrator.reports.markdown.mermaid import label, quoted, short_type, type_word, word
from migrator.reports.words import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from migrator.postgres.facts import Constraint
    from migrator.reports.subject import Subject

_TABLES, _PARTNERS, _COLUMNS, _EDGES = 12, 8, 30, 40


def lines(subject: Subject) -> list[str]:
    """Return the lines; none where there is nothing to draw."""
    touched = _touched(subject)
    if not touched or not subject.migrations:
        return []
    after = fold_facts(subject.migrations, subject.facts, subject.policy)
    pictures = (
        _Picture(facts=subject.facts, other=after, touched=touched, word="dropped"),
        _Picture(facts=after, other=subject.facts, touched=touched, word="new"),
    )
    drawn = [(title, list(picture.lines())) for title, picture in zip(_TITLES, pictures, strict=True)]
    if _shape(pictures[0]) == _shape(pictures[1]):
        drawn = [("The touched tables; no column or key changes", drawn[0][1])]
    told = [line for title, body in drawn if body for line in ("", *fold(title, body))]
    return ["", "### Tables", *told] if told else []


_TITLES = ("Before", "After, contract included")


def _touched(subject: Subject) -> tuple[QualifiedName, ...]:
    """Return what the statements name, in the order in which they do."""
    return tuple(dict.fromkeys(name for each in subject.plan.statements for name in each.touches))


class _Picture(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two diagrams."""

    facts: Facts
    other: Facts
    touched: tuple[QualifiedName, ...]
    word: str
    """What is said of a table or column that the other one has not."""

    @property
    def tables(self) -> list[Relation]:
        found = [self.facts.relation(name) for name in self.touched]
        return [each for each in found if each is not None and each.is_table and each.columns]

    def partners(self, drawn: Sequence[Relation]) -> list[Relation]:
        """Return tables with a foreign key to or from one that is drawn."""
        names = [each.references for table in drawn for each in _foreign_keys(table) if each.references]
        names += [name for table in drawn for name in table.referenced_by]
        here = {table.name for table in drawn}
        found = [self.facts.relation(name) for name in dict.fromkeys(names) if name not in here]
        return [each for each in found if each is not None and each.is_table]

    def lines(self) -> Iterator[str]:
        """Give the diagram in its fence, and what is not in it."""
        tables = self.tables
        if not tables:
            return
        drawn = tables[:_TABLES]
        partners = self.partners(drawn)
        around = partners[:_PARTNERS]
        ids = {table.name: f"t{number}" for number, table in enumerate((*drawn, *around), start=1)}
        edges = list(_edges((*drawn, *around), ids))
        yield "```mermaid"
        yield "erDiagram"
        for table in drawn:
            yield from self._entity(table, ids[table.name], table.columns)
        for table in around:
            keys = {name for each in _keys(table) for name in each.columns if _concerns(each, ids)}
            yield from self._entity(table, ids[table.name], [c for c in table.columns if c.name in keys])
        yield from edges[:_EDGES]
        yield "```"
        yield from _not_drawn(len(tables) - len(drawn), len(partners) - len(around), len(edges) - _EDGES)

    def _entity(self, table: Relation, own: str, columns: Sequence[Column]) -> Iterator[str]:
        before = self.other.relation(table.name)
        named = label(str(table.name), "" if before is not None else self.word)
        yield f"  {own}[{named}] {{"
        for column in _shown(columns, table):
            yield f"    {self._attribute(column, table, before)}"
        if len(columns) > _COLUMNS:
            yield f"    etc and_{len(columns) - _COLUMNS}_more"
        yield "  }"

    def _attribute(self, column: Column, table: Relation, before: Relation | None) -> str:
        marks = ", ".join(_marks(column.name, table))
        said = self._said(column, before)
        parts = [type_word(column.type), word(column.name), marks, quoted(said) if said else ""]
        return " ".join(part for part in parts if part)

    def _said(self, column: Column, before: Relation | None) -> str:
        """Return what the diagram cannot show otherwise: exact names, NOT NULL, and what changes."""
        exact = short_type(column.type)
        parts = [
            column.name if word(column.name) != column.name else "",
            exact if type_word(column.type) != exact else "",
            "not null" if column.not_null else "",
            "" if before is None else self._change(column, before.column(column.name)),
        ]
        return ", ".join(part for part in parts if part)

    def _change(self, column: Column, other: Column | None) -> str:
        if other is None:
            return self.word
        return "changed" if _look(column) != _look(other) else ""


def _shown(columns: Sequence[Column], table: Relation) -> list[Column]:
    """Return as many as there is room for: those of keys before others, in the table's order."""
    keys = {name for each in _keys(table) for name in each.columns}
    chosen = {c.name for c in sorted(columns, key=lambda c: c.name not in keys)[:_COLUMNS]}
    return [column for column in columns if column.name in chosen]


def _keys(table: Relation) -> list[Constraint]:
    kinds = {ConstraintKind.PRIMARY_KEY, ConstraintKind.UNIQUE, ConstraintKind.FOREIGN_KEY}
    return [each for each in table.constraints if each.kind in kinds]


def _foreign_keys(table: Relation) -> list[Constraint]:
    return [each for each in table.constraints if each.kind is ConstraintKind.FOREIGN_KEY]


def _concerns(constraint: Constraint, ids: dict[QualifiedName, str]) -> bool:
    """Whether a partner's column is worth a line: its primary key, or a foreign key that is drawn."""
    if constraint.kind is ConstraintKind.FOREIGN_KEY:
        return constraint.references in ids
    return constraint.kind is ConstraintKind.PRIMARY_KEY


def _marks(column: str, table: Relation) -> Iterator[str]:
    kinds = {each.kind for each in _keys(table) if column in each.columns}
    if ConstraintKind.PRIMARY_KEY in kinds:
        yield "PK"
    if ConstraintKind.FOREIGN_KEY in kinds:
        yield "FK"
    if ConstraintKind.UNIQUE in kinds:
        yield "UK"


def _edges(tables: Sequence[Relation], ids: dict[QualifiedName, str]) -> Iterator[str]:
    """Give a line for each foreign key between drawn tables: child, how many, parent."""
    for table in tables:
        unique = {each.columns for each in _keys(table) if each.kind is not ConstraintKind.FOREIGN_KEY}
        for each in _foreign_keys(table):
            if each.references not in ids:
                continue
            columns = [table.column(name) for name in each.columns]
            needed = all(column is not None and column.not_null for column in columns)
            child, parent = "|o" if each.columns in unique else "}o", "||" if needed else "o|"
            named = quoted(", ".join(each.columns))
            yield f"  {ids[table.name]} {child}--{parent} {ids[each.references]} : {named}"


def _not_drawn(tables: int, partners: int, edges: int) -> Iterator[str]:
    parts = [
        counted(tables, "more touched table") if tables > 0 else "",
        counted(partners, "more partner") if partners > 0 else "",
        counted(edges, "more foreign key") if edges > 0 else "",
    ]
    said = ", ".join(part for part in parts if part)
    if said:
        yield ""
        yield f"Not drawn: {said}."


def _look(column: Column) -> tuple[str, bool, str, str, str | None]:
    return (column.type, column.not_null, column.generated, column.identity, column.default)


def _shape(picture: _Picture) -> list[object]:
    """Return what a diagram shows of its tables, to be compared with the other's."""
    return [
        (
            table.name,
            [(column.name, column.type, column.not_null) for column in table.columns],
            sorted((each.kind, each.columns, str(each.references)) for each in _keys(table)),
        )
        for table in picture.tables
    ]
