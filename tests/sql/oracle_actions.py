"""Actions, constraints and types, in a shape that both readings have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from migrator.sql import syntax

if TYPE_CHECKING:
    from collections.abc import Iterable

Message = Any
"""A protobuf message of libpg_query; its classes are made when the program runs."""
Shape = tuple[Any, ...]

_ACTIONS = {
    "OWNER TO": "ChangeOwner",
    "SET (storage parameters)": "SetRelOptions",
    "RESET (storage parameters)": "ResetRelOptions",
    "SET TABLESPACE": "SetTableSpace",
    "SET LOGGED": "SetLogged",
    "SET UNLOGGED": "SetUnLogged",
    "SET WITHOUT CLUSTER": "DropCluster",
    "SET WITHOUT OIDS": "DropOids",
    "CLUSTER ON": "ClusterOn",
    "ENABLE ROW LEVEL SECURITY": "EnableRowSecurity",
    "DISABLE ROW LEVEL SECURITY": "DisableRowSecurity",
    "FORCE ROW LEVEL SECURITY": "ForceRowSecurity",
    "NO FORCE ROW LEVEL SECURITY": "NoForceRowSecurity",
    "ENABLE TRIGGER": ("EnableTrig", "EnableTrigAll", "EnableTrigUser"),
    "DISABLE TRIGGER": ("DisableTrig", "DisableTrigAll", "DisableTrigUser"),
    "ENABLE ALWAYS TRIGGER": "EnableAlwaysTrig",
    "ENABLE REPLICA TRIGGER": "EnableReplicaTrig",
    "ENABLE RULE": "EnableRule",
    "DISABLE RULE": "DisableRule",
    "ENABLE ALWAYS RULE": "EnableAlwaysRule",
    "ENABLE REPLICA RULE": "EnableReplicaRule",
    "REPLICA IDENTITY": "ReplicaIdentity",
    "INHERIT": "AddInherit",
    "NO INHERIT": "DropInherit",
    "OF": "AddOf",
    "NOT OF": "DropOf",
    "ALTER CONSTRAINT": "AlterConstraint",
    "SET ACCESS METHOD": "SetAccessMethod",
    "SET STATISTICS": "SetStatistics",
    "SET STORAGE": "SetStorage",
    "SET COMPRESSION": "SetCompression",
    "SET ATTRIBUTES": "SetOptions",
    "RESET ATTRIBUTES": "ResetOptions",
    "ATTACH PARTITION": "AttachPartition",
    "DETACH PARTITION": "DetachPartition",
    "DETACH PARTITION CONCURRENTLY": "DetachPartition",
    "DETACH PARTITION FINALIZE": "DetachPartitionFinalize",
}
_FOLDED = {variant: names[0] for names in _ACTIONS.values() if isinstance(names, tuple) for variant in names}
_SERIALS = {
    "serial": "int4",
    "serial4": "int4",
    "bigserial": "int8",
    "serial8": "int8",
    "smallserial": "int2",
}


def our_action(action: syntax.Action) -> Shape:
    match action:
        case syntax.AddColumn():
            own = our_constraints(action.column.constraints)
            return ("AddColumn", action.column.name, our_type(action.column.type), own, action.if_not_exists)
        case syntax.DropColumn():
            return ("DropColumn", action.column, action.if_exists, action.cascade)
        case syntax.SetDefault() | syntax.DropDefault():
            return ("ColumnDefault", action.column, isinstance(action, syntax.SetDefault))
        case syntax.SetNotNull():
            return ("SetNotNull", action.column)
        case syntax.DropNotNull():
            return ("DropNotNull", action.column)
        case syntax.AlterColumnType():
            return ("AlterColumnType", action.column, our_type(action.type), action.using is not None)
        case syntax.AddConstraint():
            return ("AddConstraint", our_constraints((action.constraint,)))
        case syntax.DropConstraint():
            return ("DropConstraint", action.name, action.if_exists, action.cascade)
        case syntax.ValidateConstraint():
            return ("ValidateConstraint", action.name)
        case syntax.AddIdentity() | syntax.SetIdentity() | syntax.SetExpression():
            return (type(action).__name__, action.column)
        case syntax.DropIdentity() | syntax.DropExpression():
            return (type(action).__name__, action.column, action.if_exists)
        case syntax.OtherAction():
            name = _ACTIONS[action.kind]
            return (name if isinstance(name, str) else name[0],)
        case _:
            return ("Rename",)


def their_action(cmd: Message) -> Shape:
    field = cmd.DESCRIPTOR.fields_by_name["subtype"]
    name = field.enum_type.values_by_number[cmd.subtype].name.removeprefix("AT_")
    behaviour = cmd.DESCRIPTOR.fields_by_name["behavior"].enum_type.values_by_number[cmd.behavior].name
    cascade = behaviour == "DROP_CASCADE"
    match name:
        case "AddColumn":
            column = getattr(cmd, "def").column_def
            own = their_constraints(c.constraint for c in column.constraints)
            return (name, column.colname, their_type(column.type_name), own, cmd.missing_ok)
        case "DropColumn" | "DropConstraint":
            return (name, cmd.name, cmd.missing_ok, cascade)
        case "ColumnDefault":
            return (name, cmd.name, cmd.HasField("def"))
        case "AlterColumnType":
            column = getattr(cmd, "def").column_def
            return (name, cmd.name, their_type(column.type_name), column.HasField("raw_default"))
        case "AddConstraint":
            return (name, their_constraints((getattr(cmd, "def").constraint,)))
        case "SetNotNull" | "DropNotNull" | "ValidateConstraint":
            return (name, cmd.name)
        case "AddIdentity" | "SetIdentity" | "SetExpression":
            return (name, cmd.name)
        case "DropIdentity" | "DropExpression":
            return (name, cmd.name, cmd.missing_ok)
        case _:
            return (_FOLDED.get(name, name),)


def our_type(found: syntax.TypeName) -> Shape:
    return (found.name.name, found.array)


def their_type(found: Message) -> Shape:
    name = found.names[-1].string.sval
    own = len(found.names) == 1 and not found.array_bounds and not found.typmods
    return (_SERIALS.get(name, name) if own else name, len(found.array_bounds))


def our_constraints(constraints: Iterable[syntax.Constraint]) -> Shape:
    return tuple(_our_constraint(constraint) for constraint in constraints)


def _our_constraint(constraint: syntax.Constraint) -> Shape:
    head = (constraint.name or "", constraint.not_valid, constraint.not_enforced)
    match constraint:
        case syntax.NotNullConstraint():
            return ("NOTNULL", *head)
        case syntax.NullConstraint():
            return ("NULL", *head)
        case syntax.DefaultConstraint():
            return ("DEFAULT", *head)
        case syntax.CheckConstraint():
            return ("CHECK", *head, constraint.no_inherit)
        case syntax.UniqueConstraint():
            kind = "PRIMARY" if constraint.primary else "UNIQUE"
            return (
                kind,
                *head,
                constraint.columns,
                constraint.using_index or "",
                constraint.nulls_not_distinct,
            )
        case syntax.ForeignKeyConstraint():
            target = (constraint.references.schema or "", constraint.references.name)
            actions = (_short(constraint.on_delete), _short(constraint.on_update))
            return ("FOREIGN", *head, constraint.columns, target, constraint.referenced_columns, *actions)
        case syntax.ExcludeConstraint():
            return ("EXCLUSION", *head)
        case syntax.GeneratedConstraint():
            return ("GENERATED", *head)
        case syntax.IdentityConstraint():
            return ("IDENTITY", *head, constraint.always)


def _short(action: syntax.ReferentialAction) -> str:
    return {"NO ACTION": "a", "RESTRICT": "r", "CASCADE": "c", "SET NULL": "n", "SET DEFAULT": "d"}[
        action.value
    ]


def their_constraints(constraints: Iterable[Message]) -> Shape:
    """DEFERRABLE and the like are nodes of their own beside a column's constraint; they are left out."""
    read = [_their_constraint(constraint) for constraint in constraints]
    return tuple(constraint for constraint in read if constraint is not None)


def _their_constraint(node: Message) -> Shape | None:
    values = node.DESCRIPTOR.fields_by_name["contype"].enum_type.values_by_number
    kind = values[node.contype].name.removeprefix("CONSTR_")
    head = (node.conname, node.skip_validation and node.is_enforced, False)
    match kind:
        case "ATTR_DEFERRABLE" | "ATTR_NOT_DEFERRABLE" | "ATTR_DEFERRED" | "ATTR_IMMEDIATE":
            return None
        case "CHECK":
            return (kind, *head, node.is_no_inherit)
        case "PRIMARY" | "UNIQUE":
            return (kind, *head, _names(node.keys), node.indexname, node.nulls_not_distinct)
        case "FOREIGN":
            target = (node.pktable.schemaname, node.pktable.relname)
            actions = (node.fk_del_action, node.fk_upd_action)
            return (kind, *head, _names(node.fk_attrs), target, _names(node.pk_attrs), *actions)
        case "IDENTITY":
            return (kind, *head, node.generated_when == "a")
        case _:
            return (kind, *head)


def _names(nodes: Message) -> tuple[str, ...]:
    return tuple(node.string.sval for node in nodes)
