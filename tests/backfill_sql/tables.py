"""Facts of the tables that these tests make."""

from migrator.postgres.facts import Column, Constraint, ConstraintKind, Index, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.postgres.versions import ServerVersion


def table(name: str = "t", *, key: tuple[str, ...] = ("id",), **columns: str) -> Relation:
    """A table of schema public; `columns` are their types, the key's columns are NOT NULL."""
    constraints = (Constraint(name=f"{name}_pkey", kind=ConstraintKind.PRIMARY_KEY, columns=key),)
    indexes = (Index(name=f"{name}_pkey", keys=key, unique=True, primary=True),)
    return Relation(
        name=QualifiedName("public", name),
        columns=tuple(Column(name=c, type=type_, not_null=c in key) for c, type_ in columns.items()),
        constraints=constraints if key else (),
        indexes=indexes if key else (),
    )


def server(major: int) -> ServerVersion:
    return ServerVersion(major * 10000 + 4)
