"""What some forms do beyond one lock on the relations that they name: other relations, or less than feared.

`known_forms` says of each form what holds of all its uses; here the text and the facts tell more. Measured on
every supported version (docs/measured.md).
"""

import re

from migrator.operations.base import Context
from migrator.operations.known_forms import AX, SRX, SUX, Form, S, Work
from migrator.operations.partition_tree import below
from migrator.operations.steps import locks_on
from migrator.operations.target import table_of
from migrator.plan.effect import Effect, RelationLock
from migrator.postgres.facts import Facts, RelationKind
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.lock_modes import LockMode

Names = tuple[QualifiedName, ...]

_MODE = re.compile(r"\bIN\s+([A-Z]+(?:\s+[A-Z]+)*?)\s+MODE\b", re.IGNORECASE)

_FIRST_OF_CONSTRAINT = re.compile(r'^ALTER\s+CONSTRAINT\s+("(?:[^"]|"")+"|[^\s;]+)', re.IGNORECASE)


def effect_of(words: str, form: Form, names: Names, text: str, context: Context) -> Effect | None:
    """Return the effect where it is not the one that the form's row says of all uses; `text` of the form."""
    facts = context.facts
    match words:
        case "ALTER CONSTRAINT" | "ALTER CONSTRAINT ENFORCED":
            return _alter_constraint(form, text, context)
        case "SET (storage parameters)" | "RESET (storage parameters)" if (
            "user_catalog_table" in text.lower()
        ):
            return Effect(locks=locks_on(names[0], AX, facts))
        case "INHERIT":
            return Effect(locks=(*locks_on(names[0], AX, facts), RelationLock(names[1], SUX)))
        case "NO INHERIT":
            return Effect(locks=locks_on(names[0], AX, facts))
        case "ADD EXCLUDE" if not facts.server_version.unique_locks_partitions and below(names[0], facts):
            partitions = (RelationLock(name, S) for name in below(names[0], facts))
            return Effect(locks=(RelationLock(names[0], AX), *partitions), index_builds=names[:1])
        case "INDEX ATTACH PARTITION":
            return Effect(locks=(RelationLock(names[0], SUX), RelationLock(names[1], AX)))
        case "INDEX SET TABLESPACE":
            table = facts.relation_with_index(names[0])
            return Effect(
                locks=(RelationLock(names[0], AX),), index_builds=() if table is None else (table.name,)
            )
        case "LOCK TABLE":
            return _lock_table(names, text, facts)
        case _ if words.startswith("ALTER TYPE") and "cascade" in re.findall(r"\w+", text.lower()):
            return Effect(unknown=True)
        case _ if words.startswith("ALTER DOMAIN") and form.work is Work.SCAN:
            tables = tuple(_using_domain(names[0], facts))
            return Effect(locks=tuple(RelationLock(name, S) for name in tables), scans=tables)
        case _:
            return None


def changes_nothing(words: str, name: QualifiedName, facts: Facts) -> bool:
    """Whether the relation is known to be already what the form makes of it."""
    relation = facts.relation(name)
    if relation is None or not relation.is_table:
        return False
    return (words == "SET UNLOGGED" and relation.unlogged) or (
        words == "SET LOGGED" and not relation.unlogged
    )


def enforces(text: str) -> bool:
    """Whether ALTER CONSTRAINT makes the constraint ENFORCED, which reads the tables."""
    words = text.lower().split()
    found = [at for at, word in enumerate(words) if word == "enforced"]
    return any(words[at - 1] != "not" for at in found)


def _alter_constraint(form: Form, text: str, context: Context) -> Effect:
    """Enforcement concerns the referenced table too; all else the table alone."""
    table, facts = table_of(context), context.facts
    own = locks_on(table, AX, facts)
    if "enforced" not in text.lower().split():
        return Effect(locks=own)
    relation, found = facts.relation(table), _FIRST_OF_CONSTRAINT.match(text.strip())
    name = "" if found is None else found[1]
    name = name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()
    constraint = None if relation is None else relation.constraint(name)
    partner = None if constraint is None else constraint.references
    scans = form.work is Work.SCAN
    others = () if partner is None else locks_on(partner, SRX if scans else AX, facts)
    read = (table, *(() if partner is None else (partner,))) if scans else ()
    return Effect(locks=tuple(dict.fromkeys((*own, *others))), scans=tuple(dict.fromkeys(read)))


def _lock_table(names: Names, text: str, facts: Facts) -> Effect:
    """The mode that is asked for, on what a view is over as well."""
    found = _MODE.search(text)
    mode = AX if found is None else LockMode(" ".join(found[1].upper().split()))
    locks = [lock for name in names for lock in locks_on(name, mode, facts)]
    below = [RelationLock(name, mode) for view in names for name in _below_view(view, facts)]
    return Effect(locks=tuple(dict.fromkeys((*locks, *below))))


def _below_view(view: QualifiedName, facts: Facts) -> list[QualifiedName]:
    relation = facts.relation(view)
    if relation is None or relation.kind is not RelationKind.VIEW:
        return []
    return [other.name for other in facts.relations if view in other.dependents]


def _using_domain(domain: QualifiedName, facts: Facts) -> list[QualifiedName]:
    """Return the tables with a column of the domain, or of one over it."""
    types = {str(domain), domain.name}
    for _ in facts.domains:
        types |= {str(each.name) for each in facts.domains if each.type in types}
    stored = {RelationKind.TABLE, RelationKind.MATERIALIZED_VIEW}
    return [r.name for r in facts.relations if r.kind in stored and any(c.type in types for c in r.columns)]
