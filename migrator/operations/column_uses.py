"""What goes with a column, and what keeps the server from dropping it, as far as facts tell.

It may assume facts folded over all earlier statements: a view, trigger or policy that one of them dropped is
gone. Without facts a column stands alone.
"""

import msgspec

from migrator.operations.base import Context
from migrator.operations.column_type_refusals import dropped
from migrator.operations.dependents import (
    ForeignKeyOf,
    foreign_keys_of,
    foreign_keys_to,
    others_that_need,
    views_over,
)
from migrator.operations.numbered_column import owned_sequence
from migrator.postgres.column_users import ColumnUser, UserKind
from migrator.postgres.facts import Constraint, ConstraintKind, Facts, Index, Relation
from migrator.postgres.identifiers import QualifiedName

_GENERATED_REFUSES_SINCE = 15
"""From 15 on a column that is computed from the one that goes is not dropped along (catalogue 29)."""

_WORDS = {
    ConstraintKind.CHECK: "CHECK",
    ConstraintKind.PRIMARY_KEY: "primary key",
    ConstraintKind.UNIQUE: "unique constraint",
    ConstraintKind.EXCLUDE: "exclusion constraint",
}


class Uses(msgspec.Struct, frozen=True, kw_only=True):
    """Who uses a column."""

    table: QualifiedName
    column: str
    keys: tuple[ForeignKeyOf, ...] = ()
    """Foreign keys of the table that have the column."""
    referring: tuple[ForeignKeyOf, ...] = ()
    """Foreign keys of other tables, or of other columns, that refer to it."""
    constraints: tuple[Constraint, ...] = ()
    """CHECKs, keys and exclusion constraints that mention it."""
    indexes: tuple[Index, ...] = ()
    """Indexes that mention it and belong to no constraint."""
    statistics: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    """Columns that are computed from it."""
    sequence: QualifiedName | None = None
    """The sequence that it owns."""
    others: tuple[ColumnUser, ...] = ()
    """Views, rules, policies, triggers, functions, publications."""
    needing: tuple[str, ...] = ()
    """What else needs its sequence."""
    above: tuple[QualifiedName, ...] = ()
    """Views over the views that use it."""
    version: int = 0

    @property
    def taken_along(self) -> tuple[str, ...]:
        """What goes with the column, each named."""
        gone = [_index(index) for index in self.indexes]
        gone += [f"{_WORDS[c.kind]} {c.name} ({', '.join(c.columns)})" for c in self.constraints]
        gone += [f"foreign key {key.key.name} to {key.parent}" for key in self.keys]
        gone += [f"statistics object {name}" for name in self.statistics]
        gone += [] if self.sequence is None else [f"sequence {self.sequence}"]
        if self.version < _GENERATED_REFUSES_SINCE:
            gone += [f"generated column {name}" for name in self.generated]
        return tuple(gone)

    @property
    def refusing(self) -> tuple[str, ...]:
        """What makes the server refuse, and what CASCADE takes along."""
        refusing = [str(each) for each in self.others] + [str(key) for key in self.referring]
        if self.version >= _GENERATED_REFUSES_SINCE:
            refusing += [f"generated column {name}" for name in self.generated]
        return tuple(dict.fromkeys((*refusing, *self.needing)))

    @property
    def certain(self) -> bool:
        """Whether something is known to refuse, and not only a view that has the column's name in it."""
        return len(self.refusing) > sum(1 for each in self.others if not each.certain)

    @property
    def views(self) -> tuple[QualifiedName, ...]:
        """The views among them."""
        return tuple(each.relation for each in self.others if each.kind is UserKind.VIEW)

    @property
    def wider(self) -> tuple[str, ...]:
        """Indexes of other columns too, which go as a whole."""
        kept = [i.name for i in self.indexes if {*i.mentions, *filter(None, i.keys)} - {self.column}]
        keys = [c.name for c in self.constraints if c.index is not None and set(c.columns) - {self.column}]
        return (*kept, *keys)


def _index(index: Index) -> str:
    """The index, with what it says of other columns."""
    keys = ", ".join(key or "…" for key in index.keys)
    words = "unique index" if index.unique else "index"
    return f"{words} {index.name} ({keys}){'' if index.predicate is None else ', which is partial'}"


def uses_of(table: QualifiedName, column: str, context: Context) -> Uses:
    """Return who uses the column."""
    facts, relation = context.facts, context.facts.relation(table)
    version = facts.server_version.major
    if relation is None:
        return Uses(table=table, column=column, version=version)
    sequence = owned_sequence(table, column, context)
    users = [
        user for user in relation.column_users if user.column == column and _there(user, relation, context)
    ]
    named = {kind: tuple(u.name or "" for u in users if u.kind is kind) for kind in UserKind}
    apart = {UserKind.STATISTICS, UserKind.GENERATED_COLUMN}
    others = tuple(user for user in users if user.kind not in apart)
    views = tuple(user.relation for user in others if user.kind is UserKind.VIEW)
    needing = () if sequence is None else others_that_need((sequence,), facts)
    return Uses(
        table=table,
        column=column,
        keys=tuple(key for key in foreign_keys_of(table, facts) if column in key.key.columns),
        referring=_referring(table, column, facts),
        constraints=tuple(c for c in relation.constraints if column in c.columns and c.kind in _WORDS),
        indexes=tuple(i for i in relation.indexes if column in _mentioned(i) and _stands_alone(i, relation)),
        statistics=named[UserKind.STATISTICS],
        generated=named[UserKind.GENERATED_COLUMN],
        sequence=sequence,
        others=others,
        needing=tuple(map(str, needing)),
        above=tuple(view for view in views_over(views, facts) if view not in views),
        version=version,
    )


def _mentioned(index: Index) -> set[str | None]:
    return {*index.mentions, *index.keys, *index.included}


def _stands_alone(index: Index, relation: Relation) -> bool:
    return index.constraint is None and relation.constraint(index.name) is None


def _referring(table: QualifiedName, column: str, facts: Facts) -> tuple[ForeignKeyOf, ...]:
    own = [key for key in foreign_keys_of(table, facts) if key.parent == table]
    return tuple(
        key
        for key in (*foreign_keys_to(table, facts), *own)
        if column in key.key.referenced_columns and (key.table != table or column not in key.key.columns)
    )


def _there(user: ColumnUser, relation: Relation, context: Context) -> bool:
    """Whether it still exists: earlier statements may have dropped it."""
    match user.kind:
        case UserKind.VIEW:
            return context.facts.relation(user.relation) is not None
        case UserKind.TRIGGER:
            return any(trigger.name == user.name for trigger in relation.triggers)
        case UserKind.RULE:
            return user.name in relation.rules
        case _:
            return not dropped(user, context)
