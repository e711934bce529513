"""Indexes in the facts: what a statement would make, whether one that exists is that, and folding it in.

`same_index` compares what both sides know for certain and answers None where text would have to be
understood.
"""

import re

from msgspec.structs import replace

from migrator.operations.base import Context
from migrator.operations.expressions import columns_of
from migrator.postgres.facts import Facts, Index, Relation
from migrator.postgres.identifiers import QualifiedName, quote
from migrator.postgres.named import replace_named
from migrator.sql.syntax import CreateIndex, Slice

_SIMPLE = re.compile(r"[a-z_][a-z0-9_]*")
"""Names that the server writes without quotes, keywords aside."""


def index_of(command: CreateIndex, name: str, context: Context) -> Index:
    """Return the index that a statement makes."""
    relation = context.relation(command.table)
    slices = [element.expression for element in command.elements if element.expression is not None]
    return Index(
        name=name,
        keys=tuple(element.column for element in command.elements),
        included=command.include,
        unique=command.unique,
        method=command.method,
        predicate=None if command.where is None else command.where.text,
        definition=_definition(command, name, context.resolve(command.table)),
        mentions=_mentions(command, [*slices, *([command.where] if command.where else [])], relation),
    )


def _definition(command: CreateIndex, name: str, table: QualifiedName) -> str:
    """Return what pg_get_indexdef will say of an index over plain columns, else the file's own words."""
    keys = [element.column for element in command.elements if element.options is None and element.column]
    names = [name, table.name, table.schema or "public", *keys]
    bare = f"ON {table} USING {command.method} ({', '.join(keys)})"
    plain = len(keys) == len(command.elements) and " ".join(command.body.text.split()).endswith(
        f"({', '.join(keys)})"
    )
    words = "CREATE UNIQUE INDEX" if command.unique else "CREATE INDEX"
    if not plain or not all(_SIMPLE.fullmatch(each) for each in names):
        return f"{words} {quote(name)} ON {table.quoted} {command.body.text}"
    return f"{words} {name} {bare}"


def _mentions(command: CreateIndex, slices: list[Slice], relation: Relation | None) -> tuple[str, ...]:
    """Return every column that the index mentions; where that is not known, every column of the table."""
    found = {element.column for element in command.elements if element.column} | set(command.include)
    everything = {column.name for column in relation.columns} if relation else set()
    for text in slices:
        columns = columns_of(text, relation)
        found |= everything if columns is None else set(columns)
    return tuple(sorted(found))


def same_index(found: Index, wanted: Index) -> bool | None:
    """Whether the definition holds nothing but key columns: no operator class, order or option."""
    simple = (found.keys, found.included, found.unique, found.method, found.predicate is None)
    if simple != (wanted.keys, wanted.included, wanted.unique, wanted.method, wanted.predicate is None):
        return False
    certain = None not in found.keys and found.predicate is None and _plain(found.definition, found)
    return True if certain else None


def _plain(definition: str, index: Index) -> bool:
    """Whether the definition holds nothing but key columns: no operator class, order, collation or option."""
    return definition.endswith(f"USING {index.method} ({', '.join(key or '' for key in index.keys)})")


def with_index(context: Context, table: QualifiedName, index: Index) -> Facts:
    """Facts in which the table has the index."""
    return context.facts.changed(table, lambda r: replace(r, indexes=replace_named(r.indexes, index)))


def without_index(facts: Facts, table: QualifiedName, name: str) -> Facts:
    """Facts in which the table does not have the index."""
    return facts.changed(table, lambda r: replace(r, indexes=tuple(i for i in r.indexes if i.name != name)))


def resolve_index(name: QualifiedName, context: Context) -> QualifiedName:
    """Qualify an index's name as the server would: the first schema of the path that has it."""
    if name.schema is not None:
        return name
    path = [QualifiedName(schema, name.name) for schema in context.search_path]
    return next((each for each in path if context.facts.relation_with_index(each)), context.resolve(name))
