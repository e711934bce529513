"""What a statement or action is about, and the checks that come before every ALTER TABLE.

It may assume that the planner set `alter` for an action. A relation that facts do not list is missing only
where they are complete.
"""

from migrator.operations.base import Context
from migrator.operations.hazards import needs_approval, wrong
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import QualifiedName


def table_of(context: Context) -> QualifiedName:
    """Return the qualified name of the relation that ALTER TABLE is about."""
    if context.alter is None:
        raise TypeError("an action belongs to ALTER TABLE")
    return context.resolve(context.alter.name)


def relation_of(context: Context) -> Relation | None:
    """Return what is known of the relation that ALTER TABLE is about."""
    return context.facts.relation(table_of(context))


def absent(name: QualifiedName, context: Context) -> bool:
    """Whether the relation is known not to exist."""
    return context.facts.complete and context.facts.relation(name) is None


def missing_relation(name: QualifiedName, context: Context) -> tuple[Hazard, ...]:
    """Return a hazard where the relation is known not to exist."""
    if not absent(name, context):
        return ()
    message = f"{name} does not exist"
    return (
        needs_approval(HazardKind.MISSING_OBJECT, message, "mend the name or the order of the files", name),
    )


def missing_columns(
    relation: Relation | None, columns: tuple[str, ...], context: Context | None = None
) -> tuple[Hazard, ...]:
    """Return hazards for columns that the relation is known not to have (where facts are complete)."""
    if relation is None or not relation.columns:
        return ()
    if context is not None and not context.facts.complete:
        return ()
    return tuple(
        needs_approval(
            HazardKind.MISSING_OBJECT,
            f"{relation.name} has no column {column}",
            "mend the name or the order of the statements",
            relation.name,
        )
        for column in columns
        if relation.column(column) is None
    )


def constraint_name_taken(
    relation: Relation | None, name: str | None, context: Context
) -> tuple[Hazard, ...]:
    """Return the hazard of a constraint whose name another one has; remains of an earlier try among them."""
    found = None if relation is None or name is None else relation.constraint(name)
    if relation is None or found is None or absent(relation.name, context):
        return ()
    state = "" if found.validated or found.definition.endswith("NOT VALID") else " NOT VALID"
    message = f"{relation.name} has a constraint {found.name} already: {found.definition}{state}"
    instead = "drop that one first, validate it if it is the one meant, or choose another name"
    return (wrong(HazardKind.NAME_TAKEN, message, instead, relation.name),)


def extension_owned(relation: Relation | None) -> tuple[Hazard, ...]:
    """Return a hazard where the relation belongs to an extension."""
    if relation is None or relation.extension is None:
        return ()
    message = (
        f"{relation.name} belongs to the extension {relation.extension}, whose updates expect its own form"
    )
    return (needs_approval(HazardKind.EXTENSION_OWNED, message, None, relation.name),)
