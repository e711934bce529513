"""What depends on a relation, as far as facts tell: foreign keys, views, and what else the server would name.

It may assume facts folded over all earlier statements. What an earlier statement dropped is gone from every
list; a view that was replaced since is no dependent any more, because its new query is read for names only.
"""

from collections.abc import Iterable

import msgspec
from msgspec.structs import replace

from migrator.postgres.column_users import ColumnUser, UserKind
from migrator.postgres.dependent import Dependent
from migrator.postgres.facts import Constraint, Facts, Relation, RelationKind
from migrator.postgres.identifiers import QualifiedName, fold
from migrator.sql.tokens import Token, TokenKind, scan


class ForeignKeyOf(msgspec.Struct, frozen=True, kw_only=True):
    """A foreign key, and the table that has it."""

    table: QualifiedName
    key: Constraint
    parent: QualifiedName

    def __str__(self) -> str:
        return f"foreign key {self.key.name} of {self.table}"


def foreign_keys_of(name: QualifiedName, facts: Facts) -> tuple[ForeignKeyOf, ...]:
    """Return the table's foreign keys that can be dropped by themselves, not inherited ones."""
    relation = facts.relation(name)
    if relation is None:
        return ()
    return tuple(
        ForeignKeyOf(table=name, key=key, parent=key.references)
        for key in sorted(relation.constraints, key=lambda constraint: constraint.name)
        if key.references is not None and not _inherited(key, relation, facts)
    )


def foreign_keys_to(name: QualifiedName, facts: Facts) -> tuple[ForeignKeyOf, ...]:
    """Return the foreign keys of other tables that refer to this one."""
    found = [key for other in facts.relations if other.name != name for key in _keys(other, name, facts)]
    return tuple(found)


def _keys(other: Relation, name: QualifiedName, facts: Facts) -> list[ForeignKeyOf]:
    return [key for key in foreign_keys_of(other.name, facts) if key.parent == name]


def _inherited(key: Constraint, relation: Relation, facts: Facts) -> bool:
    """Whether it came from the partitioned table above the referencing or the referenced one."""
    root = None if relation.partition_of is None else facts.relation(relation.partition_of)
    if root is not None and _has(root, key, key.references):
        return True
    parent = None if key.references is None else facts.relation(key.references)
    return parent is not None and parent.partition_of is not None and _has(relation, key, parent.partition_of)


def _has(relation: Relation, key: Constraint, references: QualifiedName | None) -> bool:
    return any(c.columns == key.columns and c.references == references for c in relation.constraints)


def with_partitions(names: Iterable[QualifiedName], facts: Facts) -> tuple[QualifiedName, ...]:
    """Return the relations, each followed by its partitions, which go with it."""
    found: dict[QualifiedName, None] = {}
    for name in names:
        found[name] = None
        relation = facts.relation(name)
        if relation is not None:
            found |= dict.fromkeys(with_partitions(relation.partitions, facts))
    return tuple(found)


def owned_sequences(names: Iterable[QualifiedName], facts: Facts) -> tuple[QualifiedName, ...]:
    """Return the sequences that columns of the tables own."""
    owners = set(names)
    return tuple(relation.name for relation in facts.relations if relation.owned_by in owners)


def views_over(names: Iterable[QualifiedName], facts: Facts) -> tuple[QualifiedName, ...]:
    """Return views and materialized views over the relations, at whatever depth, that still exist."""
    found: dict[QualifiedName, None] = {}
    waiting = list(names)
    while waiting:
        relation = facts.relation(waiting.pop(0))
        for view in () if relation is None else relation.dependents:
            if view not in found and facts.relation(view) is not None:
                found[view] = None
                waiting.append(view)
    return tuple(found)


def others_that_need(names: Iterable[QualifiedName], facts: Facts) -> tuple[Dependent, ...]:
    """Return functions, policies of other tables, columns and the like that need one of the relations."""
    going = tuple(names)
    relations = [relation for name in going if (relation := facts.relation(name)) is not None]
    needing = dict.fromkeys(needed for relation in relations for needed in relation.needed_by)
    return tuple(needed for needed in needing if needed.table is None or _stays(needed.table, going, facts))


def _stays(table: QualifiedName, going: tuple[QualifiedName, ...], facts: Facts) -> bool:
    return table not in going and facts.relation(table) is not None


# --- folding


def without_relations(facts: Facts, names: Iterable[QualifiedName]) -> Facts:
    """Facts without the relations: nothing refers to them, or is over them, any more."""
    gone = frozenset(names)
    kept = tuple(_without(relation, gone) for relation in facts.relations if relation.name not in gone)
    return replace(facts, relations=kept)


def _without(relation: Relation, gone: frozenset[QualifiedName]) -> Relation:
    def kept(names: tuple[QualifiedName, ...]) -> tuple[QualifiedName, ...]:
        return tuple(name for name in names if name not in gone)

    mentioned = {*relation.dependents, *relation.referenced_by, *relation.partitions, *relation.children}
    referred = {constraint.references for constraint in relation.constraints}
    if gone.isdisjoint({*mentioned, *referred, relation.owned_by}):
        return relation
    return replace(
        relation,
        dependents=kept(relation.dependents),
        referenced_by=kept(relation.referenced_by),
        partitions=kept(relation.partitions),
        children=kept(relation.children),
        default_partition=None if relation.default_partition in gone else relation.default_partition,
        constraints=tuple(c for c in relation.constraints if c.references not in gone),
        owned_by=None if relation.owned_by in gone else relation.owned_by,
    )


def without_dependents(facts: Facts, kind: str, names: Iterable[str]) -> Facts:
    """Facts in which functions, policies or rules of these names depend on nothing any more."""
    gone = set(names)

    def freed(relation: Relation) -> Relation:
        kept = tuple(d for d in relation.needed_by if d.kind != kind or d.name not in gone)
        users = tuple(
            u for u in relation.column_users if u.kind != kind or (u.name or u.relation.name) not in gone
        )
        if (kept, users) == (relation.needed_by, relation.column_users):
            return relation
        return replace(relation, needed_by=kept, column_users=users)

    return replace(facts, relations=tuple(freed(relation) for relation in facts.relations))


def with_view(facts: Facts, view: QualifiedName, query: str, search_path: tuple[str, ...]) -> Facts:
    """Facts in which the view is over the relations that its query names after FROM, JOIN or a comma."""
    sources = set(sources_of(query, facts, search_path)) - {view}
    words = _words(query)

    def told(relation: Relation) -> Relation:
        over = relation.name in sources
        if not over and view not in relation.dependents:
            return relation
        kept = tuple(name for name in relation.dependents if name != view)
        users = tuple(u for u in relation.column_users if (u.kind, u.relation) != (UserKind.VIEW, view))
        if not over:
            return replace(relation, dependents=kept, column_users=users)
        found = tuple(_column_of_view(view, column) for column in _read(words, relation))
        return replace(relation, dependents=(*kept, view), column_users=(*users, *found))

    return replace(facts, relations=tuple(told(relation) for relation in facts.relations))


def _words(query: str) -> frozenset[str]:
    """Every word of the query, and `*` where it does not stand alone in parentheses, as in count(*)."""
    tokens = [token for token in scan(query) if token.kind is not TokenKind.COMMENT]
    texts = [token.value or _word(query, token) for token in tokens]
    stars = [i for i, text in enumerate(texts) if text == "*" and texts[i - 1 : i + 2] != ["(", "*", ")"]]
    return frozenset((*(text for text in texts if text != "*"), *("*" for _ in stars)))


def _read(words: frozenset[str], relation: Relation) -> list[str]:
    """The columns of the relation that the query may mean; all of them for a star."""
    return [column.name for column in relation.columns if "*" in words or column.name in words]


def _column_of_view(view: QualifiedName, column: str) -> ColumnUser:
    return ColumnUser(column=column, kind=UserKind.VIEW, relation=view, certain=False)


def sources_of(query: str, facts: Facts, search_path: tuple[str, ...]) -> list[QualifiedName]:
    """Return the known relations that a query names after FROM, JOIN or a comma."""
    tokens = [token for token in scan(query) if token.kind is not TokenKind.COMMENT]
    common = {_word(query, tokens[i - 1]) for i, token in enumerate(tokens) if i and _begins_query(i, tokens)}
    found = []
    for i, token in enumerate(tokens):
        if i == 0 or tokens[i - 1].value not in {"from", "join", ",", "only", "(", "table"}:
            continue
        name = _name(query, tokens[i : i + 3], token)
        if name is not None and (name.schema is not None or name.name not in common):
            found.append(facts.resolve(name, search_path))
    return [name for name in found if facts.relation(name) is not None and _is_source(facts, name)]


def _is_source(facts: Facts, name: QualifiedName) -> bool:
    relation = facts.relation(name)
    return relation is not None and relation.kind not in {RelationKind.SEQUENCE, RelationKind.COMPOSITE_TYPE}


def _begins_query(i: int, tokens: list[Token]) -> bool:
    """Whether `AS [NOT] [MATERIALIZED] (` begins here: the word before it names a query of WITH."""
    following = [token.value for token in tokens[i : i + 4]]
    return following[:2] == ["as", "("] or "materialized" in following[1:3]


def _name(query: str, tokens: list[Token], first: Token) -> QualifiedName | None:
    if first.kind not in {TokenKind.WORD, TokenKind.QUOTED}:
        return None
    if len(tokens) == 3 and tokens[1].value == ".":  # noqa: PLR2004  # schema, dot, name
        return QualifiedName(_word(query, first), _word(query, tokens[2]))
    return QualifiedName(None, _word(query, first))


def _word(query: str, token: Token) -> str:
    return fold(query[token.start : token.end])
