"""A type as the file writes it, in the words of the server's format_type: what facts of a column hold.

It may assume that the grammar gave the catalogue's spelling (`int4`, `varchar`). A type that is not known
here keeps its name; it fails on nothing.
"""

from msgspec.structs import replace

from migrator.postgres.facts import Facts, Relation
from migrator.postgres.identifiers import QualifiedName
from migrator.sql.syntax import TypeName

_WORDS = {
    "bool": "boolean",
    "bpchar": "character",
    "varchar": "character varying",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "varbit": "bit varying",
    "decimal": "numeric",
}

_WITH_ZONE = {
    "timestamptz": ("timestamp", "with time zone"),
    "timestamp": ("timestamp", "without time zone"),
    "timetz": ("time", "with time zone"),
    "time": ("time", "without time zone"),
}

_SERIALS = {
    "serial": "integer",
    "serial2": "smallint",
    "serial4": "integer",
    "serial8": "bigint",
    "bigserial": "bigint",
    "smallserial": "smallint",
}


def format_type(type_name: TypeName) -> str:
    """Return format_type's text of a type."""
    name = type_name.name.name
    if type_name.serial:
        return _SERIALS.get(name, _WORDS.get(name, name))
    modifiers = f"({','.join(type_name.modifiers)})" if type_name.modifiers else ""
    return _base(type_name, name, modifiers) + ("[]" if type_name.array else "")


def _base(type_name: TypeName, name: str, modifiers: str) -> str:
    if type_name.name.schema not in {None, "pg_catalog"}:
        return f"{type_name.name}{modifiers}"
    if name in _WITH_ZONE:
        before, after = _WITH_ZONE[name]
        return f"{before}{modifiers} {after}"
    if name == "interval":
        return type_name.text.text.lower()
    if name == "bpchar" and not modifiers:
        return "character(1)" if type_name.text.text.lower().startswith("char") else "bpchar"
    return _WORDS.get(name, name) + modifiers


def without_type(name: QualifiedName, facts: Facts) -> Facts:
    """Facts in which nothing is of a type of that name: one is made, so the old one has another name now."""
    if name not in facts.types:
        return facts
    texts = {f"{spelt}{array}" for spelt in (str(name), name.name) for array in ("", "[]")}

    def other(relation: Relation) -> Relation:
        columns = tuple(
            replace(c, type=f"{c.type}, renamed") if c.type in texts else c for c in relation.columns
        )
        return replace(relation, columns=columns)

    return replace(
        facts,
        types=tuple(each for each in facts.types if each != name),
        domains=tuple(each for each in facts.domains if each.name != name),
        constrained_domains=tuple(each for each in facts.constrained_domains if each != name),
        relations=tuple(map(other, facts.relations)),
    )


BUILT_IN = frozenset(
    {
        "bit",
        "bool",
        "box",
        "bpchar",
        "bytea",
        "char",
        "cid",
        "cidr",
        "circle",
        "date",
        "datemultirange",
        "daterange",
        "decimal",
        "float4",
        "float8",
        "inet",
        "int2",
        "int4",
        "int4multirange",
        "int4range",
        "int8",
        "int8multirange",
        "int8range",
        "interval",
        "json",
        "jsonb",
        "jsonpath",
        "line",
        "lseg",
        "macaddr",
        "macaddr8",
        "money",
        "name",
        "numeric",
        "nummultirange",
        "numrange",
        "oid",
        "path",
        "pg_lsn",
        "pg_snapshot",
        "point",
        "polygon",
        "refcursor",
        "regclass",
        "regnamespace",
        "regproc",
        "regrole",
        "regtype",
        "text",
        "tid",
        "time",
        "timestamp",
        "timestamptz",
        "timetz",
        "tsmultirange",
        "tsquery",
        "tsrange",
        "tstzmultirange",
        "tstzrange",
        "tsvector",
        "txid_snapshot",
        "uuid",
        "varbit",
        "varchar",
        "xid",
        "xid8",
        "xml",
    }
)
"""The types of pg_catalog that columns have; none of them is a domain."""
