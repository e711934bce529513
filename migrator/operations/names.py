"""The names that the server chooses where a file gives none (makeObjectName, ChooseConstraintName, ...).

The safe sequence has to end with the name that the naive statement would have given, so it is chosen here,
by the server's own rules, from the names that are taken. It may assume that facts list every constraint and
relation of the schema; where they do not, the server refuses a name that is taken and nothing is changed.
"""

from collections.abc import Callable, Iterable
from itertools import count

from migrator.postgres.facts import Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.object_names import joined_columns, object_name


def constraint_name(table: QualifiedName, addition: str | None, label: str, facts: Facts) -> str:
    """Choose as ChooseConstraintName does: constraint names are unique in a schema for this purpose."""
    here = _relations_of(table.schema, facts)
    return _first_free(table.name, addition, label, lambda name: _is_constraint(name, here))


def relation_name(table: QualifiedName, addition: str | None, label: str, facts: Facts) -> str:
    """Choose as ChooseRelationName does for a constraint: no relation and no constraint has it."""
    here = _relations_of(table.schema, facts)
    return _first_free(
        table.name, addition, label, lambda name: _is_constraint(name, here) or _is_relation(name, here)
    )


def sequence_name(table: QualifiedName, column: str, facts: Facts) -> str:
    """`t_c_seq`, as ChooseRelationName chooses it for serial and identity: no relation has it."""
    return unused_relation_name(table, column, "seq", facts)


def unused_relation_name(table: QualifiedName, addition: str, label: str, facts: Facts) -> str:
    """Return `t_addition_label`, numbered until no relation of the schema has it."""
    here = _relations_of(table.schema, facts)
    return _first_free(table.name, addition, label, lambda name: _is_relation(name, here))


def relation_exists(name: QualifiedName, facts: Facts) -> bool:
    """Whether a relation has the name, indexes included."""
    return _is_relation(name.name, _relations_of(name.schema, facts))


def _relations_of(schema: str | None, facts: Facts) -> list[Relation]:
    return [relation for relation in facts.relations if relation.name.schema == schema]


def _is_constraint(name: str, here: Iterable[Relation]) -> bool:
    return any(name in relation.constraint_names for relation in here)


def _is_relation(name: str, here: Iterable[Relation]) -> bool:
    kinds = (r.kind for r in here if r.name.name == name)
    return any(kind is not RelationKind.COMPOSITE_TYPE for kind in kinds) or any(
        name in relation.index_names for relation in here
    )


def check_name(table: QualifiedName, columns: Iterable[str], facts: Facts) -> str:
    """`t_c_check` where the expression refers to exactly one column, else `t_check`."""
    distinct = sorted(set(columns))
    return constraint_name(table, distinct[0] if len(distinct) == 1 else None, "check", facts)


def foreign_key_name(table: QualifiedName, columns: tuple[str, ...], facts: Facts) -> str:
    """`t_a_b_fkey` (12+)."""
    return constraint_name(table, joined_columns(columns), "fkey", facts)


def not_null_name(table: QualifiedName, column: str, facts: Facts) -> str:
    """`t_c_not_null` (18+)."""
    return constraint_name(table, column, "not_null", facts)


def _first_free(first: str, second: str | None, label: str, taken: Callable[[str], bool]) -> str:
    labels = (label if attempt == 0 else f"{label}{attempt}" for attempt in count())
    return next(name for each in labels if not taken(name := object_name(first, second, each)))
