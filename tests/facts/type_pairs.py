"""Pairs of types whose change is measured on every server; `migrator.postgres.type_changes` says the same."""

from dataclasses import dataclass

TYPES = """
    CREATE DOMAIN plain AS int;
    CREATE DOMAIN nested AS plain;
    CREATE DOMAIN positive AS int CHECK (VALUE > 0);
    CREATE DOMAIN over_positive AS positive;
    CREATE DOMAIN present AS int NOT NULL;
    CREATE DOMAIN plain_text AS text;
    CREATE DOMAIN short AS varchar(10);
    CREATE DOMAIN longer AS varchar(20);
    CREATE DOMAIN sorted AS text COLLATE "C";
    CREATE DOMAIN numbers AS int[];
    CREATE DOMAIN amount AS numeric(10,2);
    CREATE DOMAIN instant AS timestamp;
    CREATE DOMAIN big AS bigint;
    CREATE TYPE mood AS ENUM ('a', 'b');
    CREATE DOMAIN plain_mood AS mood;
    CREATE TYPE pair AS (a int);
"""

# The contrib modules are not everywhere, so this is citext as its script makes it, as far as it matters here.
CITEXT = """
    CREATE TYPE citext;
    CREATE FUNCTION citextin(cstring) RETURNS citext AS 'textin' LANGUAGE internal IMMUTABLE STRICT;
    CREATE FUNCTION citextout(citext) RETURNS cstring AS 'textout' LANGUAGE internal IMMUTABLE STRICT;
    CREATE TYPE citext (
        INPUT = citextin, OUTPUT = citextout, INTERNALLENGTH = VARIABLE, STORAGE = extended, CATEGORY = 'S',
        COLLATABLE = true);
    CREATE CAST (citext AS text) WITHOUT FUNCTION AS IMPLICIT;
    CREATE CAST (citext AS varchar) WITHOUT FUNCTION AS IMPLICIT;
    CREATE CAST (text AS citext) WITHOUT FUNCTION AS ASSIGNMENT;
    CREATE CAST (varchar AS citext) WITHOUT FUNCTION AS ASSIGNMENT;
    CREATE FUNCTION citext_less(citext, citext) RETURNS bool
        AS 'SELECT lower($1::text) < lower($2::text)' LANGUAGE sql IMMUTABLE;
    CREATE FUNCTION citext_same(citext, citext) RETURNS bool
        AS 'SELECT lower($1::text) = lower($2::text)' LANGUAGE sql IMMUTABLE;
    CREATE FUNCTION citext_cmp(citext, citext) RETURNS int
        AS 'SELECT bttextcmp(lower($1::text), lower($2::text))' LANGUAGE sql IMMUTABLE;
    CREATE OPERATOR < (LEFTARG = citext, RIGHTARG = citext, FUNCTION = citext_less);
    CREATE OPERATOR = (LEFTARG = citext, RIGHTARG = citext, FUNCTION = citext_same, MERGES);
    CREATE OPERATOR CLASS citext_ops DEFAULT FOR TYPE citext USING btree AS
        OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 citext_cmp(citext, citext);
"""

VALUES = {
    "bit": "B'101'",
    "varbit": "B'101'",
    "bool": "true",
    "bytea": "'a'::bytea",
    "cidr": "'10.0.0.0/8'",
    "inet": "'10.0.0.0/8'",
    "date": "'2026-01-01'",
    "instant": "'2026-01-01'",
    "timestamp": "'2026-01-01'",
    "timestamptz": "'2026-01-01'",
    "time": "'10:00'",
    "timetz": "'10:00'",
    "interval": "'1 day'",
    "json": "'{}'",
    "jsonb": "'{}'",
    "mood": "'a'",
    "plain_mood": "'a'",
    "pair": "'(1)'",
    "point": "'(1,1)'",
    "uuid": "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
    "xml": "'<a/>'",
    "macaddr": "'08:00:2b:01:02:03'",
    "pg_lsn": "'0/1'",
    "int4range": "'[1,2)'",
    "numbers": "'{1}'",
}
"""A value for each type whose values are not all of the form '1'; arrays get `{1}`."""

ARRAYS = {"timestamp": "'{2026-01-01}'", "cidr": "'{10.0.0.0/8}'"}

WITHOUT_ORDER = {"json", "xml", "point"}

# FROM -> TO, one pair a line, by what comes out: what is measured decides, this order is for the reader.
PAIRS = """
    varchar(10) -> varchar(20), varchar(10) -> varchar(10), varchar(10) -> varchar, varchar(10) -> text
    varchar -> text, text -> varchar, text -> text, text -> varchar(20), varchar -> varchar(20)
    varchar(20) -> varchar(10), varchar(10) -> bpchar, text -> bpchar, varchar(10) -> char(10)
    varchar(10) -> char(20), char(10) -> char(20), char(10) -> bpchar, char(10) -> text, char(10) -> varchar
    bpchar -> text, bpchar -> varchar, bpchar -> char(10), name -> text, text -> name, "char" -> text
    smallint -> int, smallint -> bigint, int -> bigint, int -> numeric, bigint -> int, int -> real
    int -> money
    real -> double precision, real -> numeric, int -> text, int -> varchar(20)
    numeric(10,2) -> numeric(12,2), numeric(10,2) -> numeric, numeric(10,2) -> numeric(10,2)
    numeric(10,2) -> numeric(12,3), numeric(10,2) -> numeric(12,1), numeric(10,2) -> numeric(8,2)
    numeric -> numeric(10,2), numeric(10) -> numeric(12), numeric(10,0) -> numeric(12)
    date -> timestamp, date -> timestamptz, date -> text, timestamp -> date, timestamp -> time
    timestamp(3) -> timestamp(6), timestamp(3) -> timestamp, timestamp -> timestamp(6)
    timestamp -> timestamp(3), timestamp(6) -> timestamp(3), timestamp(3) -> timestamp(4)
    timestamptz(3) -> timestamptz(6), timestamptz(3) -> timestamptz, timestamptz -> timestamptz(3)
    timestamptz(0) -> timestamptz(3), timestamptz -> timestamptz(6)
    time(3) -> time(6), time(3) -> time, time -> time(6), time -> time(3), time(3) -> time(4)
    timetz(3) -> timetz, timetz(3) -> timetz(4), timetz -> timetz(3), time -> timetz, timetz -> time
    time -> interval
    interval(3) -> interval(6), interval(3) -> interval, interval -> interval(6), interval -> interval(3)
    interval(3) -> interval(4), interval -> interval day, interval day -> interval
    interval day -> interval day to second, interval day -> interval day to second(3)
    interval day -> interval hour, interval hour -> interval day, interval year -> interval month
    interval month -> interval year, interval month -> interval(3), interval second(3) -> interval(3)
    interval second(3) -> interval(2), interval second(3) -> interval day to second(4)
    interval day to second -> interval second, interval day to second -> interval minute
    interval minute -> interval day to second, interval day to hour -> interval hour to minute
    interval(3) -> interval second(3), interval -> interval second, interval -> interval second(3)
    cidr -> inet, inet -> cidr
    varbit(5) -> varbit(8), varbit(5) -> varbit, varbit -> varbit(8), varbit(8) -> varbit(5)
    bit(3) -> varbit, bit(3) -> varbit(3), bit(3) -> varbit(8), varbit(3) -> bit(3), varbit -> bit(3)
    bit(3) -> "bit", varbit -> "bit"
    xml -> text, xml -> varchar, xml -> varchar(20), xml -> bpchar
    oid -> int, int -> oid, oid -> regclass, regclass -> oid, regclass -> int, int -> regclass, oid -> bigint
    regproc -> oid, oid -> regproc, oid -> regtype, regtype -> oid, oid -> regrole, oid -> regnamespace
    regclass -> text, smallint -> oid
    int -> plain, plain -> int, int -> nested, nested -> int, nested -> plain, plain -> nested
    int -> positive, int -> over_positive, positive -> int, positive -> plain, over_positive -> positive
    positive -> over_positive, positive -> positive, present -> int, int -> present
    plain -> bigint, plain -> big, plain -> oid, plain -> numeric
    text -> plain_text, plain_text -> text, plain_text -> varchar, plain_text -> varchar(10)
    varchar(10) -> plain_text, varchar(10) -> short, varchar(10) -> longer, varchar(20) -> short
    text -> short
    short -> longer, short -> varchar(20), short -> varchar(10), short -> varchar, short -> text
    short -> plain_text, short -> short
    sorted -> text, text -> sorted, text COLLATE "C" -> sorted, sorted -> text COLLATE "C"
    int[] -> numbers, numbers -> int[], mood -> plain_mood, plain_mood -> mood, mood -> mood, pair -> pair
    numeric(10,2) -> amount, numeric(8,2) -> amount, amount -> numeric(12,2), amount -> numeric
    instant -> timestamp, instant -> timestamp(6), instant -> timestamp(3)
    varchar(10)[] -> varchar[], varchar(10)[] -> varchar(20)[], varchar(10)[] -> varchar(10)[]
    varchar[] -> text[], text[] -> varchar[], int[] -> bigint[], int[] -> oid[], int[] -> int[][]
    numeric(10,2)[] -> numeric[], timestamp(3)[] -> timestamp[], timestamp(3)[] -> timestamp(6)[]
    timestamp[] -> timestamptz[], cidr[] -> inet[], varchar(10)[] -> text
    json -> jsonb, json -> text, jsonb -> text, uuid -> text, mood -> text, mood -> varchar, bytea -> text
    macaddr -> macaddr8, point -> box, pg_lsn -> text, varchar(10) -> "char"
    text COLLATE "C" -> text, text -> text COLLATE "C", text COLLATE "C" -> text COLLATE "C"
    varchar(5) COLLATE "C" -> varchar(10), varchar(5) COLLATE "C" -> varchar(10) COLLATE "C"
    text -> text COLLATE "default", text -> text COLLATE pg_catalog."C"
    citext -> text, citext -> varchar, citext -> varchar(10), text -> citext, varchar(10) -> citext
"""

ZONES = """
    UTC Etc/UTC GMT Etc/GMT Zulu UCT Etc/UCT Etc/Zulu Universal Etc/Universal Greenwich Etc/Greenwich GMT0
    Etc/GMT0 GMT+0 GMT-0 Etc/GMT+0 Etc/GMT-0 0 +00 -00 +00:00 utc gmt zulu
    Europe/London Africa/Abidjan Atlantic/Reykjavik Iceland WET Europe/Berlin Etc/GMT-1 +01
"""


STAMPS = """
    timestamp -> timestamptz, timestamp -> timestamptz(6), timestamp(3) -> timestamptz(3)
    timestamp(3) -> timestamptz, timestamp(3) -> timestamptz(6), timestamptz -> timestamp
    timestamptz(3) -> timestamp, timestamptz(3) -> timestamp(3), timestamptz -> timestamp(6)
    timestamptz(6) -> timestamp(6), timestamp -> instant, instant -> timestamptz
"""

INDEXES = (
    "USING btree (c)",
    "USING hash (c)",
    "USING brin (c)",
    "USING gin (c)",
    "USING spgist (c)",
    "USING gist (c inet_ops)",
    "(c varchar_pattern_ops)",
    "(c text_pattern_ops)",
    "(id) INCLUDE (c)",
    "(id) WHERE c IS NOT NULL",
    "(c) WHERE id > 1",
    "((c IS NULL))",
    "((id + 1))",
    "((id + 1), c)",
    "(c DESC NULLS LAST) WITH (fillfactor = 70)",
)

INDEXED = """
    varchar(10) -> varchar(20), varchar(10) -> text, text -> varchar, text -> text COLLATE "C"
    numeric(10,2) -> numeric(12,2), timestamp(3) -> timestamp, timestamp -> timestamptz, cidr -> inet
    varbit(3) -> varbit, interval(3) -> interval, time(3) -> time, oid -> regclass, int -> oid
    char(5) -> bpchar, varchar(10)[] -> varchar[], numeric(10,2)[] -> numeric[], int -> plain, plain -> int
    bit(3) -> "bit", plain_text -> text, text -> plain_text
"""

USING = (
    ("varchar(10)", "varchar(20)", "c"),
    ("varchar(10)", "varchar(20)", "c::varchar(20)"),
    ("varchar(10)", "varchar(20)", "(c)::varchar(20)"),
    ("varchar(10)", "varchar(20)", "(c::varchar(20))"),
    ("varchar(10)", "varchar(20)", "CAST(c AS character varying(20))"),
    ("varchar(10)", "varchar(20)", "c::varchar"),
    ("varchar(10)", "varchar(20)", "c::text"),
    ("varchar(10)", "varchar(20)", "c::text::varchar(20)"),
    ("varchar(10)", "text", "t.c"),
    ("varchar(10)", "text", "c || ''"),
    ("varchar(10)", "text", "trim(c)"),
    ("varchar(10)", "text", "c::varchar(5)"),
    ("int", "oid", "c::oid"),
    ("int", "positive", "c::positive"),
    ("varbit", "bit(3)", "c::bit(3)"),
    ("timestamp", "timestamptz", "c AT TIME ZONE 'UTC'"),
    ("timestamp", "timestamptz", "c::timestamptz"),
    ("int", "int", "id"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A table `t` (and others) whose column `c` changes."""

    name: str
    setup: str
    change: str
    zone: str = "UTC"
    since: int = 13
    """The first version that has what the setup needs."""


def pairs(text: str) -> list[tuple[str, str]]:
    """Read `FROM -> TO, …`; a comma inside parentheses is not one between pairs."""
    found = []
    for pair in text.replace("\n", ", ").split(", "):
        old, arrow, new = pair.strip().partition(" -> ")
        if arrow:
            found.append((old, new))
    return found


def value(type_name: str) -> str:
    """A constant that every type of the pairs takes."""
    base = type_name.split(" ", maxsplit=1)[0].split("(", maxsplit=1)[0].removesuffix("[]")
    if type_name.endswith("[]"):
        return ARRAYS.get(base, "'{1}'")
    return VALUES.get(base, "'1'")


def table(type_name: str, index: str | None = "USING btree (c)") -> str:
    """`t` with three rows, and an index where the type can have one."""
    made = f"CREATE TABLE t (id int, c {type_name}); INSERT INTO t SELECT g, {value(type_name)} "
    made += "FROM generate_series(1, 3) AS g;"
    return made if index is None or type_name in WITHOUT_ORDER else f"{made} CREATE INDEX ON t {index};"


def change(new: str, using: str = "") -> str:
    """The statement."""
    return f"ALTER TABLE t ALTER COLUMN c TYPE {new}{using and f' USING {using}'}"
