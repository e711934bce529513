"""What brings a constraint back that was dropped, from its definition in the facts.

Rows that were written meanwhile are not checked, unless an index has to be built for the constraint.
"""

from migrator.operations.base import Context
from migrator.plan import ddl
from migrator.plan.ddl import Sql
from migrator.plan.ddl_index import constraint_using_index, recreate
from migrator.postgres.facts import Constraint, ConstraintKind, Relation

UNKNOWN = "its definition is not known, so it cannot be brought back"
_PLAIN = {
    ConstraintKind.CHECK: "CHECK ",
    ConstraintKind.FOREIGN_KEY: "FOREIGN KEY ",
    ConstraintKind.NOT_NULL: "NOT NULL ",
}


def undo_of(
    known: Constraint | None, relation: Relation | None, context: Context
) -> tuple[tuple[Sql, ...], str | None]:
    """Return the statements, and a note where there are none or they cannot bring back everything."""
    if known is None or relation is None:
        return (), UNKNOWN
    if known.kind is ConstraintKind.NOT_NULL and not context.facts.server_version.not_null_not_valid:
        return (), UNKNOWN
    if known.kind in _PLAIN:
        return _plain(known, relation)
    return _with_index(known, relation)


def _plain(known: Constraint, relation: Relation) -> tuple[tuple[Sql, ...], str | None]:
    definition = known.definition
    if known.kind is ConstraintKind.NOT_NULL and known.columns:
        definition = ddl.not_null(known.columns[0])
    if not definition.startswith(_PLAIN[known.kind]) or "NOT ENFORCED" in definition:
        return (), UNKNOWN
    return (ddl.alter_table(relation.name, ddl.restore_constraint(known.name, definition)),), None


def _with_index(known: Constraint, relation: Relation) -> tuple[tuple[Sql, ...], str | None]:
    """Return the build of the index and what makes a constraint of it."""
    index = relation.index(known.index or known.name)
    build = None if index is None else recreate(index.definition)
    if build is None or index is None or known.kind is ConstraintKind.EXCLUDE or relation.partitions:
        return (), UNKNOWN if build is None else "there is no way to add it while the table is in use"
    words = constraint_using_index(
        index.name,
        primary=known.kind is ConstraintKind.PRIMARY_KEY,
        deferrable="DEFERRABLE" in known.definition,
        deferred="INITIALLY DEFERRED" in known.definition,
    )
    return (build, ddl.alter_table(relation.name, ddl.add_constraint(known.name, words))), None
