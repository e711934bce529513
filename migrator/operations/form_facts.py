"""The facts after an action that has no safe sequence of its own: what later statements of the file see."""

import msgspec

from migrator.operations import folding
from migrator.postgres.facts import Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import (
    AddConstraint,
    DropConstraint,
    ExcludeConstraint,
    OtherAction,
    RenameTable,
)


def after_action(action: object, table: QualifiedName, facts: Facts) -> Facts:
    """Return the facts after the action."""
    match action:
        case DropConstraint():
            return folding.without_constraint(facts, table, action.name)
        case RenameTable() if facts.relation(table) is None:
            return _renamed_index(facts, table, action.new)
        case RenameTable():
            return renamed(facts, table, QualifiedName(table.schema, action.new))
        case OtherAction():
            return _after_other(action, table, facts)
        case AddConstraint(constraint=ExcludeConstraint(name=str(name))):
            return folding.with_exclusion(facts, table, name)
        case _:
            return facts


def renamed(facts: Facts, old: QualifiedName, new: QualifiedName) -> Facts:
    """Facts in which a relation has another name, for those that know of it too."""
    relation = facts.relation(old)
    if relation is None:
        return facts

    def follow(other: Relation) -> Relation:
        constraints = tuple(
            msgspec.structs.replace(c, references=new, definition="") if c.references == old else c
            for c in other.constraints
        )
        names = tuple(new if name == old else name for name in other.referenced_by)
        owner = new if other.owned_by == old else other.owned_by
        return msgspec.structs.replace(other, constraints=constraints, referenced_by=names, owned_by=owner)

    folded = facts.without_relation(old).with_relation(msgspec.structs.replace(relation, name=new))
    return msgspec.structs.replace(folded, relations=tuple(follow(r) for r in folded.relations))


def _renamed_index(facts: Facts, index: QualifiedName, new: str) -> Facts:
    """Facts in which an index, and the constraint that owns it, has another name."""
    relation = facts.relation_with_index(index)
    found = None if relation is None else relation.index(index.name)
    if relation is None or found is None:
        return _renamed_constraint(facts, index, new)
    owned = found.constraint is not None
    renamed_index = msgspec.structs.replace(found, name=new, constraint=new if owned else None)
    indexes = tuple(renamed_index if each is found else each for each in relation.indexes)
    constraints = tuple(
        msgspec.structs.replace(c, name=new, index=new) if owned and c.name == found.constraint else c
        for c in relation.constraints
    )
    changed = msgspec.structs.replace(relation, indexes=indexes, constraints=constraints)
    return facts.with_relation(changed)


def _renamed_constraint(facts: Facts, index: QualifiedName, new: str) -> Facts:
    """Facts in which a constraint has another name whose index is not listed (EXCLUDE)."""
    found = [r for r in facts.relations if r.name.schema == index.schema and r.constraint(index.name)]
    if not found:
        return facts
    constraints = tuple(
        msgspec.structs.replace(each, name=new) if each.name == index.name else each
        for each in found[0].constraints
    )
    return facts.with_relation(msgspec.structs.replace(found[0], constraints=constraints))


def _after_other(action: OtherAction, table: QualifiedName, facts: Facts) -> Facts:
    match action.kind:
        case "SET SCHEMA":
            return msgspec.structs.replace(facts.without_relation(table), complete=False)
        case "SEQUENCE OPTIONS" if "owned" in action.text.text.lower():
            return facts.changed(
                table, lambda r: msgspec.structs.replace(r, owned_by=None, owned_by_column=None)
            )
        case _:
            return facts
