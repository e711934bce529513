"""The server's own grammar (libpg_query, through postgast) as an oracle: it must read what we read."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from migrator.postgres.identifiers import QualifiedName
from migrator.sql import syntax
from tests.sql.oracle_actions import (
    our_action,
    our_constraints,
    our_type,
    their_action,
    their_constraints,
    their_type,
)

postgast = import_module("postgast")  # its stubs are no valid Python, so the type checker must not meet them

Message = Any
"""A protobuf message of libpg_query; its classes are made when the program runs."""
Shape = tuple[Any, ...]


def theirs(text: str) -> Shape | None:
    """Return the shape of one statement as the server reads it; None for an error or several statements."""
    try:
        parsed = postgast.parse(text)
    except postgast.PgQueryError:
        return None
    if len(parsed.stmts) != 1:
        return None
    node = parsed.stmts[0].stmt
    kind = node.WhichOneof("node") or ""
    return (kind, *_their_details(kind, getattr(node, kind)))


def _name(relation: Message) -> QualifiedName:
    return QualifiedName(schema=relation.schemaname or None, name=relation.relname)


def _strings(nodes: Message) -> tuple[str, ...]:
    return tuple(node.string.sval for node in nodes)


def _qualified(nodes: Message) -> QualifiedName:
    *schema, name = _strings(nodes)
    return QualifiedName(schema=schema[-1] if schema else None, name=name)


def _enum(message: Message, field: str) -> str:
    return str(
        message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[getattr(message, field)].name
    )


def _their_details(kind: str, node: Message) -> Shape:  # noqa: C901  # one case a statement
    match kind:
        case "alter_table_stmt":
            actions = tuple(their_action(c.alter_table_cmd) for c in node.cmds)
            return (_name(node.relation), not node.relation.inh, node.missing_ok, actions)
        case "rename_stmt":
            return (node.subname, node.newname)
        case "create_stmt":
            return _their_table(node)
        case "create_table_as_stmt":
            return (_name(node.into.rel),)
        case "index_stmt":
            return _their_index(node)
        case "drop_stmt":
            return _their_drop(node)
        case "insert_stmt":
            return (_name(node.relation),)
        case "update_stmt":
            return (*_their_target(node), bool(node.from_clause), _their_assignments(node))
        case "delete_stmt":
            return (*_their_target(node), bool(node.using_clause))
        case "view_stmt":
            return (_name(node.view), node.replace)
        case "create_function_stmt":
            return (_qualified(node.funcname), node.replace, node.is_procedure)
        case "create_trig_stmt":
            return (
                node.trigname,
                _name(node.relation),
                _qualified(node.funcname),
                node.row,
                node.isconstraint,
            )
        case "create_seq_stmt":
            return (_name(node.sequence), node.if_not_exists)
        case "create_enum_stmt":
            return (_qualified(node.type_name), _strings(node.vals))
        case "alter_enum_stmt":
            return (_qualified(node.type_name), node.new_val)
        case "variable_set_stmt":
            return (node.is_local,)
        case "grant_stmt":
            return (not node.is_grant,)
        case _:
            return ()


def _their_table(node: Message) -> Shape:
    columns = []
    constraints = []
    for element in node.table_elts:
        match element.WhichOneof("node"):
            case "column_def":
                column = element.column_def
                own = their_constraints(c.constraint for c in column.constraints)
                columns.append((column.colname, their_type(column.type_name), own))
            case "constraint":
                constraints.append(element.constraint)
            case _:
                pass
    return (_name(node.relation), node.if_not_exists, tuple(columns), their_constraints(constraints))


def _their_index(node: Message) -> Shape:
    elements = tuple(element.index_elem.name or None for element in node.index_params)
    flags = (node.unique, node.concurrent, node.if_not_exists, node.nulls_not_distinct)
    where = node.HasField("where_clause")
    return (node.idxname or None, _name(node.relation), node.access_method, elements, *flags, where)


def _their_drop(node: Message) -> Shape:
    cascade = _enum(node, "behavior") == "DROP_CASCADE"
    return (len(node.objects), node.missing_ok, cascade, node.concurrent)


def _their_target(node: Message) -> Shape:
    alias = node.relation.alias.aliasname or None
    where = node.HasField("where_clause")
    returning = (
        node.HasField("returning_clause") if hasattr(node, "returning_clause") else bool(node.returning_list)
    )
    return (
        _name(node.relation),
        not node.relation.inh,
        alias,
        where,
        node.HasField("with_clause"),
        returning,
    )


def _their_assignments(node: Message) -> tuple[str, ...]:
    targets = [target.res_target for target in node.target_list]
    simple = all(t.val.WhichOneof("node") != "multi_assign_ref" and not t.indirection for t in targets)
    return tuple(target.name for target in targets) if simple else ()


_KINDS: dict[type[syntax.Command], frozenset[str]] = {
    syntax.CreateExtension: frozenset({"create_extension_stmt"}),
    syntax.CreateSchema: frozenset({"create_schema_stmt"}),
    syntax.Comment: frozenset({"comment_stmt"}),
    syntax.Grant: frozenset({"grant_stmt", "grant_role_stmt"}),
    syntax.SetVariable: frozenset({"variable_set_stmt"}),
    syntax.TransactionControl: frozenset({"transaction_stmt"}),
    syntax.Select: frozenset({"select_stmt"}),
}


def disagreement(command: syntax.Command, read: Shape | None) -> str | None:  # noqa: C901  # one case a command
    """Say how our reading differs from the server's; None where both agree or ours is opaque."""
    if isinstance(command, syntax.Opaque):
        return None
    if read is None:
        return "the server reports a syntax error"
    kind, *details = read
    match command:
        case syntax.AlterTable():
            return _differs(kind, details, *_our_alter(command))
        case syntax.CreateTable():
            return _differs(kind, details, *_our_table(command))
        case syntax.CreateIndex():
            return _differs(kind, details, "index_stmt", _our_index(command))
        case syntax.Drop():
            ours: Shape = (len(command.names), command.if_exists, command.cascade, command.concurrently)
            return _differs(kind, details, "drop_stmt", ours)
        case syntax.Insert():
            return _differs(kind, details, "insert_stmt", (command.table,))
        case syntax.Update():
            names = tuple(assignment.column for assignment in command.assignments)
            tail = (command.from_clause is not None, names)
            return _differs(kind, details, "update_stmt", (*_our_target(command), *tail))
        case syntax.Delete():
            ours = (*_our_target(command), command.using is not None)
            return _differs(kind, details, "delete_stmt", ours)
        case syntax.CreateView():
            if command.materialized:
                return _differs(kind, details, "create_table_as_stmt", (command.name,))
            return _differs(kind, details, "view_stmt", (command.name, command.or_replace))
        case syntax.CreateFunction():
            ours = (command.name, command.or_replace, command.procedure)
            return _differs(kind, details, "create_function_stmt", ours)
        case syntax.CreateTrigger():
            ours = (command.name, command.table, command.function, command.for_each_row, command.constraint)
            return _differs(kind, details, "create_trig_stmt", ours)
        case syntax.CreateSequence():
            return _differs(kind, details, "create_seq_stmt", (command.name, command.if_not_exists))
        case syntax.CreateType(form="enum"):
            return _differs(kind, details, "create_enum_stmt", (command.name, command.labels))
        case syntax.AlterTypeAddValue():
            return _differs(kind, details, "alter_enum_stmt", (command.name, command.label))
        case syntax.SetVariable():
            return _differs(kind, details, "variable_set_stmt", (command.local,))
        case syntax.KnownForm() | syntax.CreateType():
            return None
        case _:
            return None if kind in _KINDS[type(command)] else f"{type(command).__name__} is a {kind}"


def _differs(kind: str, details: list[Any], our_kind: str, ours: Shape) -> str | None:
    if kind != our_kind:
        return f"{our_kind} is a {kind}"
    return None if tuple(details) == ours else f"{ours} is {tuple(details)}"


def _our_alter(command: syntax.AlterTable) -> tuple[str, Shape]:
    first = command.actions[0]
    match first:
        case syntax.RenameColumn() | syntax.RenameConstraint():
            return "rename_stmt", (first.old, first.new)
        case syntax.RenameTable():
            return "rename_stmt", ("", first.new)
        case syntax.OtherAction(kind="SET SCHEMA"):
            return "alter_object_schema_stmt", ()
        case syntax.OtherAction(kind="DEPENDS ON EXTENSION"):
            return "alter_object_depends_stmt", ()
        case syntax.OtherAction(kind="SEQUENCE OPTIONS"):
            return "alter_seq_stmt", ()
        case _:
            actions = tuple(map(our_action, command.actions))
            return "alter_table_stmt", (command.name, command.only, command.if_exists, actions)


def _our_table(command: syntax.CreateTable) -> tuple[str, Shape]:
    if command.query is not None:
        return "create_table_as_stmt", (command.name,)
    columns = tuple((c.name, our_type(c.type), our_constraints(c.constraints)) for c in command.columns)
    constraints = our_constraints(command.constraints)
    return "create_stmt", (command.name, command.if_not_exists, columns, constraints)


def _our_index(command: syntax.CreateIndex) -> Shape:
    elements = tuple(element.column for element in command.elements)
    flags = (command.unique, command.concurrently, command.if_not_exists, command.nulls_not_distinct)
    return (command.name, command.table, command.method, elements, *flags, command.where is not None)


def _our_target(command: syntax.Update | syntax.Delete) -> Shape:
    where = command.where is not None
    return (command.table, command.only, command.alias, where, command.with_clause, command.returning)
