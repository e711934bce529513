"""What DROP TABLE takes away, and what is said of it.

It may assume facts folded over all earlier statements; without facts a table stands alone.
"""

import msgspec

from migrator.operations.base import Context
from migrator.operations.dependents import (
    ForeignKeyOf,
    foreign_keys_of,
    foreign_keys_to,
    others_that_need,
    owned_sequences,
    views_over,
    with_partitions,
)
from migrator.operations.hazards import needs_approval, wrong
from migrator.operations.liveness import empty, in_use, rows_at_most
from migrator.operations.target import missing_relation
from migrator.plan.hazard import Hazard, HazardKind
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import Drop

_NAMED = 8
"""So many dependents are named in a message, the others counted."""


class Going(msgspec.Struct, frozen=True, kw_only=True):
    """What a statement takes away."""

    command: Drop
    tables: tuple[QualifiedName, ...]
    """Those that it names, without those that are known to be absent."""
    all: tuple[QualifiedName, ...]
    """These, and their partitions."""
    keys: tuple[ForeignKeyOf, ...]
    """Foreign keys between tables that go and tables that stay; those of others only go with CASCADE."""
    views: tuple[QualifiedName, ...]
    """Views and materialized views over them."""
    others: tuple[str, ...]
    """What else needs them."""

    @property
    def dependents(self) -> tuple[str, ...]:
        """What CASCADE takes along, and what the server refuses without it."""
        gone = set(self.all)
        referring = [str(key) for key in self.keys if key.table not in gone]
        return (*(f"view {view}" for view in self.views), *referring, *self.others)


def going_of(command: Drop, tables: tuple[QualifiedName, ...], facts: Facts) -> Going:
    """Return what goes with the tables, and what depends on them."""
    everything = with_partitions(tables, facts)
    gone = set(everything)
    own = [key for name in everything for key in foreign_keys_of(name, facts) if key.parent not in gone]
    referring = [key for name in everything for key in foreign_keys_to(name, facts) if key.table not in gone]
    needing = others_that_need((*everything, *owned_sequences(everything, facts)), facts)
    children = [c for name in everything for c in _children(name, facts) if c not in gone]
    return Going(
        command=command,
        tables=tables,
        all=everything,
        keys=(*own, *referring),
        views=views_over(everything, facts),
        others=(*map(str, needing), *(f"table {child}, which inherits from it" for child in children)),
    )


def _children(name: QualifiedName, facts: Facts) -> tuple[QualifiedName, ...]:
    relation = facts.relation(name)
    return () if relation is None else relation.children


def used(going: Going, context: Context) -> bool:
    """Whether somebody may be using what goes."""
    return any(in_use(context.facts.relation(name), context) for name in going.tables)


def hazards(going: Going, named: tuple[QualifiedName, ...], context: Context) -> tuple[Hazard, ...]:
    """Return what is lost and what breaks, or why the server will refuse the statement."""
    missing: tuple[Hazard, ...] = ()
    if not going.command.if_exists:
        missing = tuple(hazard for name in named for hazard in missing_relation(name, context))
    if missing:
        return missing
    if not going.command.cascade and going.dependents:
        return (_refused_by_server(going),)
    if not used(going, context):
        return ()
    return (_loss(going, context), *_cascade(going, context))


def _refused_by_server(going: Going) -> Hazard:
    message = (
        f"other objects depend on {_shown(going.tables)}: {listed(going.dependents)}; the server refuses it"
    )
    instead = "drop or change them by name, in statements before this one"
    return wrong(HazardKind.DEPENDENT_OBJECTS, message, instead, going.tables[0], "catalogue 173")


def _loss(going: Going, context: Context) -> Hazard:
    kind = f"DROP {going.command.object_kind}"
    relation = going.tables[0]
    if _known_empty(going, context):
        message = f"running code that uses {_shown(going.tables)} fails once it is dropped"
        instead = "deploy code that does not use it first, then approve it with the reason"
        return needs_approval(HazardKind.BREAKS_RUNNING_CODE, message, instead, relation, "catalogue 173")
    message = f"{kind} destroys {_contents(going, context)}; running code that uses it fails"
    instead = "deploy code that does not use it, keep what is still needed, then approve it with the reason"
    return needs_approval(HazardKind.DATA_LOSS, message, instead, relation, "catalogue 173, 174")


def _contents(going: Going, context: Context) -> str:
    facts = context.facts
    found = [facts.relation(name) for name in going.tables]
    rows = [None if relation is None else rows_at_most(relation, facts) for relation in found]
    known = sum(count for count in rows if count is not None)
    size = "" if None in rows else f" with up to {known:,} rows"
    partitions = len(going.all) - len(going.tables)
    below = f" in {partitions} partition{'s' if partitions > 1 else ''}" if partitions else ""
    published = sorted({p for relation in found if relation is not None for p in relation.publications})
    left = f", and takes it out of the publication {', '.join(published)}" if published else ""
    return f"{_shown(going.tables)}{size}{below}{left}"


def _cascade(going: Going, context: Context) -> tuple[Hazard, ...]:
    if not going.command.cascade:
        return ()
    if unknown(going, context):
        what = f"CASCADE drops whatever depends on {_shown(going.tables)}, which is not known here"
        instead = "plan with --database, or drop what depends on it by name, in statements before this one"
    elif going.dependents:
        what = f"CASCADE drops as well: {listed(going.dependents)}"
        instead = "make sure that no code needs them, then approve it with the reason"
    else:
        return ()
    kind = HazardKind.BREAKS_RUNNING_CODE
    return (needs_approval(kind, what, instead, going.tables[0], "catalogue 175"),)


def _known_empty(going: Going, context: Context) -> bool:
    relations = [context.facts.relation(name) for name in going.tables]
    return all(relation is not None and empty(relation, context.facts) for relation in relations)


def _shown(names: tuple[QualifiedName, ...]) -> str:
    return ", ".join(map(str, names))


def listed(names: tuple[str, ...]) -> str:
    """Return a few names, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def unknown(going: Going, context: Context) -> bool:
    """CASCADE where nobody knows what depends on the table."""
    return going.command.cascade and not all(context.facts.relation(name) for name in going.tables)
