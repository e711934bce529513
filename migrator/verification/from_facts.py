"""A database from a file of facts: tables, types, sequences, constraints, indexes; and what is missing.

Pure: what is to be executed, in order. Bodies of functions, views, triggers, rules and policies are not in
facts, nor are bounds of partitions and CHECKs of domains; whatever the server refuses for lack of those is
said in the proof.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migrator.postgres.facts import ConstraintKind, RelationKind
from migrator.postgres.identifiers import QualifiedName, quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from migrator.postgres.facts import Column, Facts, Relation
    from migrator.postgres.facts_document import FactsDocument

_STRATEGIES = {"r": "RANGE", "l": "LIST"}

_LATER = frozenset({ConstraintKind.FOREIGN_KEY})

_ELSEWHERE = frozenset({ConstraintKind.NOT_NULL, ConstraintKind.TRIGGER})
"""Made with the column, or not at all."""


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A statement, and what it makes."""

    what: str
    sql: str


def statements(document: FactsDocument) -> Iterator[Made]:
    """Give what makes the database, as far as facts tell."""
    facts = document.facts
    for schema in facts.schemas:
        yield Made(what=f"schema {schema}", sql=f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}")
    for enum in document.enums:
        labels = ", ".join(_literal(label) for label in enum.labels)
        yield Made(what=f"type {enum.name}", sql=f"CREATE TYPE {enum.name.quoted} AS ENUM ({labels})")
    for domain in facts.domains:
        yield Made(what=f"domain {domain.name}", sql=f"CREATE DOMAIN {domain.name.quoted} AS {domain.type}")
    relations = [relation for relation in facts.relations if relation.extension is None]
    numbered = {_identity_sequence(relation, facts) for relation in relations}
    for relation in relations:
        if relation.kind is RelationKind.SEQUENCE and relation.name not in numbered:
            yield Made(what=f"sequence {relation.name}", sql=f"CREATE SEQUENCE {relation.name.quoted}")
        elif relation.kind is RelationKind.COMPOSITE_TYPE:
            yield _composite(relation)
    tables = [r for r in relations if r.is_table]
    yield from (_table(r) for r in tables if r.partition_of is None and not r.inherits)
    yield from _partitions(tables, facts)
    yield from (_table(r) for r in tables if r.inherits and r.partition_of is None)
    for later in (False, True):
        yield from (made for r in tables for made in _constraints(r, later=later))
    yield from (made for r in tables for made in _indexes(r))


def missing(document: FactsDocument) -> Iterator[str]:
    """Say what facts name and do not define."""
    for relation in document.facts.relations:
        if relation.extension is not None:
            yield f"{relation.name} belongs to extension {relation.extension}"
        elif relation.kind in {RelationKind.VIEW, RelationKind.MATERIALIZED_VIEW, RelationKind.FOREIGN_TABLE}:
            yield f"{relation.name} is not in the database before: facts do not define it"
        names = [*(f"trigger {t.name}" for t in relation.triggers), *(f"rule {r}" for r in relation.rules)]
        if relation.row_security:
            names.append("row level security")
        if names:
            yield f"{relation.name} is without {', '.join(names)}: facts do not define them"
    for domain in document.facts.constrained_domains:
        yield f"domain {domain} is without its conditions"
    if document.facts.functions:
        yield f"{len(document.facts.functions)} functions are missing: facts do not hold their bodies"


def _table(relation: Relation) -> Made:
    columns = ", ".join(_column(column) for column in relation.columns)
    key = ", ".join(map(quote, relation.partition_key))
    strategy = _STRATEGIES.get(relation.partition_strategy)
    partitioned = relation.kind is RelationKind.PARTITIONED_TABLE and strategy is not None
    parts = [
        f"CREATE {'UNLOGGED ' if relation.unlogged else ''}TABLE {relation.name.quoted} ({columns})",
        f"INHERITS ({', '.join(name.quoted for name in relation.inherits)})" if relation.inherits else "",
        f"PARTITION BY {strategy} ({key})" if partitioned else "",
    ]
    return Made(what=f"table {relation.name}", sql=" ".join(part for part in parts if part))


def _partitions(tables: list[Relation], facts: Facts) -> Iterator[Made]:
    """Give each partitioned table one partition, the default one: facts know no bounds."""
    with_one: set[QualifiedName] = set()
    for relation in tables:
        parent = None if relation.partition_of is None else facts.relation(relation.partition_of)
        if parent is None or parent.name in with_one or relation.kind is RelationKind.PARTITIONED_TABLE:
            continue
        with_one.add(parent.name)
        sql = f"CREATE TABLE {relation.name.quoted} PARTITION OF {parent.name.quoted} DEFAULT"
        yield Made(what=f"partition {relation.name}", sql=sql)


def _column(column: Column) -> str:
    parts = [quote(column.name), column.type]
    if column.identity:
        parts.append(f"GENERATED {'ALWAYS' if column.identity == 'a' else 'BY DEFAULT'} AS IDENTITY")
    elif column.generated:
        kind = "STORED" if column.generated == "s" else "VIRTUAL"
        parts.append(f"GENERATED ALWAYS AS ({column.default}) {kind}")
    elif column.default is not None:
        parts.append(f"DEFAULT {column.default}")
    return " ".join([*parts, *(["NOT NULL"] if column.not_null else [])])


def _constraints(relation: Relation, *, later: bool) -> Iterator[Made]:
    for each in relation.constraints:
        if each.kind in _ELSEWHERE or each.inherited or (each.kind in _LATER) is not later:
            continue
        table = relation.name.quoted
        sql = f"ALTER TABLE {table} ADD CONSTRAINT {quote(each.name)} {each.definition}"
        yield Made(what=f"constraint {each.name} of {relation.name}", sql=sql)


def _indexes(relation: Relation) -> Iterator[Made]:
    for index in relation.indexes:
        if index.constraint is None and not index.primary and index.definition and not relation.partition_of:
            yield Made(what=f"index {index.name} of {relation.name}", sql=index.definition)


def _composite(relation: Relation) -> Made:
    columns = ", ".join(f"{quote(column.name)} {column.type}" for column in relation.columns)
    return Made(what=f"type {relation.name}", sql=f"CREATE TYPE {relation.name.quoted} AS ({columns})")


def _identity_sequence(relation: Relation, facts: Facts) -> QualifiedName | None:
    """Return the name of a sequence that its identity column makes."""
    if relation.kind is not RelationKind.SEQUENCE or relation.owned_by is None:
        return None
    table = facts.relation(relation.owned_by)
    column = None if table is None else table.column(relation.owned_by_column or "")
    return relation.name if column is not None and column.identity else None


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
