"""Types, domains and routines that get another name or schema: what later statements see.

It may assume that the new name, or schema, is the form's only word. Where the object is not known, facts are
not complete afterwards: something of that name may exist.
"""

from msgspec.structs import replace

from migrator.operations.base import Context
from migrator.postgres.facts import Facts, Function, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import KnownForm

_TYPES = ("ALTER TYPE ", "ALTER DOMAIN ")
_ROUTINES = ("ALTER FUNCTION ", "ALTER PROCEDURE ", "ALTER ROUTINE ")


def resolve_type(name: QualifiedName, context: Context) -> QualifiedName:
    """Qualify the name of a type as the server would: the first schema of the path that has it."""
    path = context.search_path if name.schema is None else (name.schema,)
    found = [QualifiedName(schema, name.name) for schema in path]
    return next((each for each in found if each in context.facts.types), context.resolve(name))


def nobody_knows(command: KnownForm, context: Context) -> bool:
    """Whether the object got its name from an earlier statement of the plan, so that no code uses it."""
    if not command.names:
        return False
    if command.kind.startswith(_TYPES):
        return resolve_type(command.names[0], context) in context.facts.new_types
    if command.kind.startswith(_ROUTINES):
        found = functions_named(command.names[0], context)
        return bool(found) and all(function.created_in_plan for function in found)
    return False


def functions_named(name: QualifiedName, context: Context) -> tuple[Function, ...]:
    """Return the routines of that name, with whatever arguments, in the schemas where it is looked for."""
    schemas = context.search_path if name.schema is None else (name.schema,)
    known = context.facts.functions
    return tuple(f for f in known if f.name.name == name.name and f.name.schema in schemas)


def after_rename(command: KnownForm, context: Context) -> Facts:
    """Return the facts after RENAME TO or SET SCHEMA; other forms change nothing."""
    facts = context.facts
    if not command.words or not command.names:
        return facts
    if command.kind.startswith(_TYPES):
        old = resolve_type(command.names[0], context)
        return _renamed_type(facts, old, _moved(old, command))
    if command.kind.startswith(_ROUTINES):
        found = functions_named(command.names[0], context)
        made = tuple(replace(f, name=_moved(f.name, command), created_in_plan=True) for f in found)
        return replace(facts, functions=(*facts.functions, *made), complete=facts.complete and bool(found))
    return replace(facts, complete=False)


def _moved(old: QualifiedName, command: KnownForm) -> QualifiedName:
    word = command.words[0]
    moves = command.kind.endswith("SET SCHEMA")
    return QualifiedName(word, old.name) if moves else QualifiedName(old.schema, word)


def _renamed_type(facts: Facts, old: QualifiedName, new: QualifiedName) -> Facts:
    if old not in facts.types:
        return replace(facts, complete=False)
    texts = {f"{s}{array}": f"{n}{array}" for s, n in _spellings(old, new) for array in ("", "[]")}

    def names(given: tuple[QualifiedName, ...]) -> tuple[QualifiedName, ...]:
        return tuple(new if name == old else name for name in given)

    def follow(relation: Relation) -> Relation:
        columns = tuple(replace(c, type=texts.get(c.type, c.type)) for c in relation.columns)
        return relation if columns == relation.columns else replace(relation, columns=columns)

    return replace(
        facts,
        types=names(facts.types),
        new_types=(*(name for name in facts.new_types if name != old), new),
        domains=tuple(replace(d, name=new) if d.name == old else d for d in facts.domains),
        constrained_domains=names(facts.constrained_domains),
        relations=tuple(map(follow, facts.relations)),
    )


def _spellings(old: QualifiedName, new: QualifiedName) -> tuple[tuple[str, str], ...]:
    return ((str(old), str(new)), (old.name, new.name))
