"""What a partition gets from its partitioned table: indexes, keys, CHECKs, foreign keys, as facts.

Names are those that the server chooses: constraints keep the name, indexes get one of their own. An index
over expressions is left out: its name is not certain.
"""

from msgspec.structs import replace

from migrator.operations import folding
from migrator.operations.index_name import distinct_names, unused_name
from migrator.operations.names import relation_name
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Index, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.named import replace_named
from migrator.postgres.object_names import joined_columns

_CLONED = {ConstraintKind.CHECK, ConstraintKind.FOREIGN_KEY}


def cloned(facts: Facts, root: QualifiedName, partition: QualifiedName) -> Facts:
    """Return the facts with what the partition gets, where it has no equal of its own."""
    above, below = facts.relation(root), facts.relation(partition)
    if above is None or below is None:
        return facts
    for constraint in above.constraints:
        if constraint.kind in _CLONED and not has_constraint(below, constraint):
            facts = folding.with_constraint(facts, partition, constraint)
    for index in above.indexes:
        now = facts.relation(partition) or below
        if matching_index(now, index) is None and None not in index.keys:
            facts = _with_clone(facts, now, index)
    return facts


def matching_index(table: Relation, wanted: Index) -> Index | None:
    """Return the table's index that ATTACH PARTITION would take for that of the partitioned table."""
    return next((own for own in table.indexes if own.valid and _equal(own, wanted)), None)


def has_constraint(table: Relation, wanted: Constraint) -> bool:
    """Whether the table has the CHECK by name, or an equal, validated foreign key under any name."""
    if wanted.kind is not ConstraintKind.FOREIGN_KEY:
        return table.constraint(wanted.name) is not None
    said = (wanted.columns, wanted.references, wanted.referenced_columns, wanted.definition)
    return any(
        c.kind is wanted.kind
        and c.validated
        and said == (c.columns, c.references, c.referenced_columns, c.definition)
        for c in table.constraints
    )


def tail_of(index: Index) -> str:
    """Return what the definition says from the word USING on; '' where it is not known."""
    _, using, rest = index.definition.partition(" USING ")
    return f"USING {rest}" if using else ""


def _equal(own: Index, wanted: Index) -> bool:
    said = (wanted.keys, wanted.included, wanted.unique, wanted.primary, wanted.method)
    if said != (own.keys, own.included, own.unique, own.primary, own.method):
        return False
    if (own.constraint is None) != (wanted.constraint is None):
        return False
    return wanted.constraint is not None or tail_of(own) == tail_of(wanted)


def _with_clone(facts: Facts, table: Relation, index: Index) -> Facts:
    columns = tuple(key for key in index.keys if key is not None)
    if index.constraint is not None:
        label = "pkey" if index.primary else "key"
        addition = None if index.primary else joined_columns(distinct_names((*columns, *index.included)))
        name = relation_name(table.name, addition, label, facts)
        return folding.with_unique(facts, table.name, name, columns, primary=index.primary)
    name = unused_name(table.name, (*columns, *index.included), "idx", facts)
    words = "CREATE UNIQUE INDEX" if index.unique else "CREATE INDEX"
    definition = f"{words} {name} ON {table.name} {tail_of(index)}" if tail_of(index) else ""
    made = replace(index, name=name, definition=definition, bytes=None)
    return facts.changed(table.name, lambda r: replace(r, indexes=replace_named(r.indexes, made)))
