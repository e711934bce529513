"""Recursive descent over the tokens of one statement: a typed command, or `Opaque` and where reading stopped.

One module for each family of statements. Rules follow the order of PostgreSQL's `gram.y`; what a rule does
not know it refuses with `NotUnderstood`, and a statement of which a single token is left over is opaque too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from migrator.sql.cursor import Cursor, NotUnderstood
from migrator.sql.grammar import alter_other, create_other, dml, known, known_access, session
from migrator.sql.grammar.alter_table import alter_relation
from migrator.sql.grammar.comment import comment
from migrator.sql.grammar.create_function import create_function
from migrator.sql.grammar.create_index import create_index
from migrator.sql.grammar.create_table import create_table
from migrator.sql.grammar.create_trigger import create_trigger
from migrator.sql.grammar.create_view import create_materialized_view, create_view
from migrator.sql.grammar.drop import drop
from migrator.sql.grammar.grant import grant
from migrator.sql.syntax import Command, Opaque

if TYPE_CHECKING:
    from migrator.sql.tokens import Token

Rule = Callable[[Cursor], Command]


def read_command(source: str, tokens: tuple[Token, ...]) -> Command:
    """Read a statement whose tokens (without comments) are given with their source; never fails."""
    cursor = Cursor(source, tokens)
    try:
        command = _statement(cursor)
        cursor.expect_end()
    except NotUnderstood as place:
        return Opaque(reason=place.reason, offset=place.offset)
    except RecursionError:
        return Opaque(reason="brackets are nested too deeply", offset=tokens[0].start)
    return command


def _statement(c: Cursor) -> Command:
    word = c.value
    if word == "create":
        c.index += 1
        return _create(c)
    if word == "alter":
        c.index += 1
        return _alter(c)
    rule = _RULES.get("(" if word == "(" else word)
    if rule is None:
        c.fail("a statement without a rule")
    return rule(c)


def _create(c: Cursor) -> Command:
    or_replace = c.accept("or", "replace")
    if c.at_any("function", "procedure"):
        return create_function(c, or_replace=or_replace)
    if c.at("trigger") or c.at("constraint", "trigger"):
        return create_trigger(c, or_replace=or_replace)
    if c.at("rule"):
        return known.create_rule(c)
    ahead = 0
    while c.value_at(ahead) in _MODIFIERS:
        ahead += 1
    if c.value_at(ahead) == "view" and not c.at("materialized"):
        return create_view(c, or_replace=or_replace)
    rule = _CREATE_RULES.get(c.value_at(ahead))
    if rule is None or or_replace:
        c.fail("a kind of object without a rule")
    return rule(c)


def _alter(c: Cursor) -> Command:
    for words in (
        ("materialized", "view"),
        ("foreign", "table"),
        ("table",),
        ("index",),
        ("view",),
        ("sequence",),
    ):
        if c.at(*words):
            return alter_relation(c, *words)
    rule = _ALTER_RULES.get(c.value)
    if rule is None:
        c.fail("a kind of object without a rule")
    return rule(c)


_MODIFIERS = frozenset({"global", "local", "temp", "temporary", "unlogged", "unique", "recursive"})
_CREATE_RULES: dict[str, Rule] = {
    "table": create_table,
    "index": create_index,
    "materialized": create_materialized_view,
    "sequence": create_other.create_sequence,
    "type": create_other.create_type,
    "domain": create_other.create_domain,
    "extension": create_other.create_extension,
    "schema": create_other.create_schema,
    "policy": known_access.create_policy,
    "statistics": known.create_statistics,
    "publication": known_access.create_publication,
}
_ALTER_RULES: dict[str, Rule] = {
    "type": alter_other.alter_type,
    "domain": alter_other.alter_domain,
    "function": alter_other.alter_routine,
    "procedure": alter_other.alter_routine,
    "routine": alter_other.alter_routine,
    "trigger": alter_other.alter_on_table,
    "rule": alter_other.alter_on_table,
    "schema": alter_other.alter_schema,
    "extension": alter_other.alter_extension,
    "policy": known_access.alter_policy,
    "default": known_access.alter_default_privileges,
}
_RULES: dict[str, Rule] = {
    "drop": drop,
    "comment": comment,
    "grant": grant,
    "revoke": grant,
    "insert": dml.insert,
    "update": dml.update,
    "delete": dml.delete,
    "with": dml.with_statement,
    "select": dml.select,
    "values": dml.select,
    "table": dml.select,
    "(": dml.select,
    "set": session.set_statement,
    "reset": session.reset_statement,
    "begin": session.transaction_statement,
    "start": session.transaction_statement,
    "commit": session.transaction_statement,
    "end": session.transaction_statement,
    "rollback": session.transaction_statement,
    "abort": session.transaction_statement,
    "savepoint": session.transaction_statement,
    "release": session.transaction_statement,
    "reindex": known.reindex,
    "refresh": known.refresh,
    "truncate": known.truncate,
    "lock": known.lock,
    "vacuum": known.vacuum,
    "analyze": known.vacuum,
    "analyse": known.vacuum,
    "cluster": known.cluster,
    "do": known.do,
    "call": known.call,
}
