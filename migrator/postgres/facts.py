"""What is known of one database: frozen values, filled by introspection, by a file, or not at all.

Everything here is schema-qualified. Where something is unknown it is None, and unknown is treated as large
and in use. Operations fold facts forward (`Facts.with_table` and friends): a later statement sees what an
earlier one made.
"""

from __future__ import annotations

import enum
from collections.abc import Callable  # noqa: TC003  # cheap, and msgspec reads annotations
from functools import cached_property

import msgspec

from migrator.postgres.column_users import ColumnUser  # msgspec reads annotations
from migrator.postgres.dependent import Dependent
from migrator.postgres.domains import Domain  # msgspec reads annotations
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.rates import Measured  # msgspec reads annotations
from migrator.postgres.versions import NEWEST_KNOWN, ServerVersion


class RelationKind(enum.StrEnum):
    """pg_class.relkind."""

    TABLE = "r"
    PARTITIONED_TABLE = "p"
    VIEW = "v"
    MATERIALIZED_VIEW = "m"
    FOREIGN_TABLE = "f"
    SEQUENCE = "S"
    COMPOSITE_TYPE = "c"


class ConstraintKind(enum.StrEnum):
    """pg_constraint.contype."""

    CHECK = "c"
    FOREIGN_KEY = "f"
    PRIMARY_KEY = "p"
    UNIQUE = "u"
    EXCLUDE = "x"
    NOT_NULL = "n"
    TRIGGER = "t"


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """A column; `type` is format_type's text, e.g. `character varying(20)`."""

    name: str
    type: str
    not_null: bool = False
    default: str | None = None
    generated: str = ""
    """'' none, 's' stored, 'v' virtual."""
    identity: str = ""
    """'' none, 'a' always, 'd' by default."""
    collation: str | None = None
    domain_constrained: bool = False
    """The type is a domain with a constraint (catalogue 17)."""


class Constraint(msgspec.Struct, frozen=True, kw_only=True):
    """A constraint of a table; `definition` is pg_get_constraintdef's text."""

    name: str
    kind: ConstraintKind
    columns: tuple[str, ...] = ()
    definition: str = ""
    validated: bool = True
    references: QualifiedName | None = None
    referenced_columns: tuple[str, ...] = ()
    index: str | None = None
    inherited: bool = False
    """It comes from a parent table, and goes only with the parent's."""
    comment: str | None = None


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """An index; `keys` are column names, None for an expression; `definition` is pg_get_indexdef's text."""

    name: str
    keys: tuple[str | None, ...] = ()
    included: tuple[str, ...] = ()
    unique: bool = False
    primary: bool = False
    valid: bool = True
    method: str = "btree"
    predicate: str | None = None
    definition: str = ""
    constraint: str | None = None
    bytes: int | None = None
    replica_identity: bool = False
    """REPLICA IDENTITY USING INDEX names it."""
    mentions: tuple[str, ...] = ()
    """Every column of the table that keys, expressions, INCLUDE or WHERE mention."""
    comment: str | None = None
    special: bool = False
    """Its definition does not bring back all of it: part of a partitioned index, a tablespace, the mark of
    CLUSTER, statistics targets."""


class Trigger(msgspec.Struct, frozen=True, kw_only=True):
    """A trigger that is not internal; `definition` is pg_get_triggerdef's text."""

    name: str
    definition: str = ""
    function: QualifiedName | None = None
    enabled: str = "O"
    fills: tuple[str, ...] = ()
    """Columns that a fill trigger of ours, installed earlier in the plan, keeps filled."""


class Relation(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A table, view, sequence …, with what hangs on it."""

    name: QualifiedName
    kind: RelationKind = RelationKind.TABLE
    owner: str | None = None
    unlogged: bool = False
    inserters: tuple[str, ...] = ()
    """Roles other than the owner that were granted INSERT."""
    columns: tuple[Column, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    indexes: tuple[Index, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    rules: tuple[str, ...] = ()
    column_users: tuple[ColumnUser, ...] = ()
    referenced_by: tuple[QualifiedName, ...] = ()
    """Tables with a foreign key to this one."""
    dependents: tuple[QualifiedName, ...] = ()
    """Views and materialized views over this relation."""
    needed_by: tuple[Dependent, ...] = ()
    """Other objects that depend on it: functions with SQL bodies, policies of other tables, columns, …"""
    owned_by: QualifiedName | None = None
    """Of a sequence: the table whose column owns it, which takes it along when it is dropped."""
    owned_by_column: str | None = None
    publications: tuple[str, ...] = ()
    """Publications that list the table by name."""
    partition_of: QualifiedName | None = None
    partitions: tuple[QualifiedName, ...] = ()
    partition_key: tuple[str, ...] = ()
    partition_strategy: str = ""
    """'r' range, 'l' list, 'h' hash; '' where it is not partitioned or not known."""
    plain_partition_key: bool = False
    """The key is `partition_key`, in that order, with the types' own operator classes and the columns'
    collations: no expressions."""
    default_partition: QualifiedName | None = None
    tablespace: str | None = None
    """Named where it is not the database's own."""
    access_method: str | None = None
    """Of a partitioned table, where it has one of its own (17+): partitions get it too."""
    inherits: tuple[QualifiedName, ...] = ()
    children: tuple[QualifiedName, ...] = ()
    """Children by plain inheritance (not partitions)."""
    extension: str | None = None
    row_security: bool = False
    force_row_security: bool = False
    policies: tuple[str, ...] = ()
    """Names of its policies, whether row level security is on or not."""
    published_without_identity: bool = False
    """In a publication that replicates UPDATE or DELETE, and without a replica identity."""
    replicated_by_key: bool = False
    """In such a publication, and its rows are told apart by the primary key."""
    populated: bool = True
    """Of a materialized view: it has been filled, so it can be read and refreshed CONCURRENTLY."""
    collation_mismatch: bool = False
    rows: int | None = None
    """pg_class.reltuples, or None when never analysed; 0 only when the table is proved empty (no pages)."""
    bytes: int | None = None
    """pg_table_size."""
    created_in_plan: bool = False
    """An earlier statement of this plan creates it: nobody uses it yet."""
    unread: bool = False
    """Another session holds it in ACCESS EXCLUSIVE mode: sizes, defaults and definitions are missing here."""
    fingerprint: str | None = None
    """Digest of the definition as the server computes it (`database/sql/fingerprint.sql`)."""

    @property
    def is_table(self) -> bool:
        """An ordinary or partitioned table."""
        return self.kind in {RelationKind.TABLE, RelationKind.PARTITIONED_TABLE}

    def column(self, name: str) -> Column | None:
        """Return the column, or None."""
        return next((c for c in self.columns if c.name == name), None)

    def constraint(self, name: str) -> Constraint | None:
        """Return the constraint, or None."""
        return next((c for c in self.constraints if c.name == name), None)

    def index(self, name: str) -> Index | None:
        """Return the index, or None."""
        return next((i for i in self.indexes if i.name == name), None)

    @cached_property
    def constraint_names(self) -> frozenset[str]:
        """The names of its constraints."""
        return frozenset(constraint.name for constraint in self.constraints)

    @cached_property
    def index_names(self) -> frozenset[str]:
        """The names of its indexes."""
        return frozenset(index.name for index in self.indexes)

    @property
    def primary_key(self) -> tuple[str, ...]:
        """The columns of the primary key, () without one."""
        return next((c.columns for c in self.constraints if c.kind is ConstraintKind.PRIMARY_KEY), ())


class Function(msgspec.Struct, frozen=True, kw_only=True):
    """A user function; volatility is pg_proc.provolatile ('i', 's', 'v')."""

    name: QualifiedName
    volatility: str
    trigger: bool = False
    """It returns trigger or event_trigger, so that only triggers call it."""
    created_in_plan: bool = False
    """An earlier statement of this plan makes it: nobody calls it yet."""


class Facts(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A database as known to the planner."""

    server_version: ServerVersion = ServerVersion(NEWEST_KNOWN * 10000)
    source: str = "nothing"
    """'database', 'file', 'shadow' or 'nothing'; shown in every report."""
    origin: str | None = None
    """Of facts that are not read from the database now: from where and when, for people."""
    database: str | None = None
    live: bool = True
    """User tables existed before this run began; without facts we assume so."""
    complete: bool = False
    """Whether a relation that is not listed is known not to exist."""
    search_path: tuple[str, ...] = ("public",)
    """current_schemas(false): where an unqualified name is looked for."""
    settings: tuple[tuple[str, str], ...] = ()
    """The session defaults a step's session state begins with: TimeZone, DateStyle, search_path, …"""
    role: str | None = None
    relations: tuple[Relation, ...] = ()
    functions: tuple[Function, ...] = ()
    types: tuple[QualifiedName, ...] = ()
    new_types: tuple[QualifiedName, ...] = ()
    """Of the types, those that got their name from an earlier statement of this plan: nobody uses it yet."""
    constrained_domains: tuple[QualifiedName, ...] = ()
    """Of the types, the domains that have a constraint or are over one that has."""
    domains: tuple[Domain, ...] = ()
    """Of the types, those that are domains."""
    schemas: tuple[str, ...] = ()
    measured: tuple[Measured, ...] = ()
    """Speeds of work that the journal of this database has seen."""

    def resolve(self, name: QualifiedName, search_path: tuple[str, ...] | None = None) -> QualifiedName:
        """Qualify `name` as the server would.

        The first schema of the path that has it, else the first of the path.
        """
        if name.schema is not None:
            return name
        path = self.search_path if search_path is None else search_path
        for schema in path:
            if QualifiedName(schema, name.name) in self._by_name:
                return QualifiedName(schema, name.name)
        return QualifiedName(path[0] if path else "public", name.name)

    def relation(self, name: QualifiedName) -> Relation | None:
        """Return the relation of that qualified name, or None where it is absent or unknown."""
        return self._by_name.get(name)

    @cached_property
    def _by_name(self) -> dict[QualifiedName, Relation]:
        """The relations by their names; of two of one name the first."""
        return {relation.name: relation for relation in reversed(self.relations)}

    def relation_with_index(self, index: QualifiedName) -> Relation | None:
        """Return the table that has this index (an index lives in its table's schema)."""
        here = (r for r in self.relations if index.name in r.index_names and r.name.schema == index.schema)
        return next(here, None)

    def with_relation(self, relation: Relation) -> Facts:
        """Return facts in which `relation` stands, in place of one of the same name."""
        found = msgspec.structs.replace(self, relations=(*self._others(relation.name), relation))
        found.__dict__["_by_name"] = {**self._by_name, relation.name: relation}  # all the others are kept
        return found

    def without_relation(self, name: QualifiedName) -> Facts:
        """Return facts without that relation."""
        return msgspec.structs.replace(self, relations=self._others(name))

    def _others(self, name: QualifiedName) -> tuple[Relation, ...]:
        known = self._by_name.get(name)
        return self.relations if known is None else tuple(r for r in self.relations if r is not known)

    def changed(self, name: QualifiedName, change: Callable[[Relation], Relation]) -> Facts:
        """Return facts with `change` applied to one relation; an unknown relation stays unknown."""
        found = self.relation(name)
        return self if found is None else self.with_relation(change(found))
