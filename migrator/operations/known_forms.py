"""What is known of the forms that have no safe sequence of their own (yet): a row of the catalogue for each.

Pure data, keyed by the words of the form; `other_form` decides by it, docs/operations/other-form.md shows
it.
"""

import enum
from dataclasses import dataclass

from migrator.postgres.lock_modes import LockMode

AX = LockMode.ACCESS_EXCLUSIVE
SRX = LockMode.SHARE_ROW_EXCLUSIVE
SUX = LockMode.SHARE_UPDATE_EXCLUSIVE
S = LockMode.SHARE


class Work(enum.Enum):
    """What is done under the lock."""

    NONE = "catalog only"
    SCAN = "scan"
    REWRITE = "rewrite"
    INDEX = "index build"


class Verdict(enum.Enum):
    """What a plan makes of it where something is live."""

    FREE = "runs as written"
    BREAKS = "needs approval: running code breaks"
    DESTROYS = "needs approval: data is lost"
    REFUSED = "needs approval: no safe sequence yet"


@dataclass(frozen=True, slots=True)
class Form:
    """One row."""

    row: str
    """Of the catalogue."""
    lock: LockMode | None
    work: Work
    verdict: Verdict
    reason: str
    """Why it is dangerous, after the name of the relation; what it is good for, where it is free."""
    instead: str | None = None
    breaks: bool = False
    """Besides having no safe sequence, it certainly breaks running code."""
    destroys: bool = False
    """Besides having no safe sequence, it destroys data."""


NONE, SCAN, REWRITE, INDEX = Work
FREE, BREAKS, DESTROYS, REFUSED = Verdict

UNKNOWN = Form("-", AX, REWRITE, REFUSED, "is locked by a form whose work under the lock is not known")

ACTIONS: dict[str, Form] = {
    "DROP COLUMN": Form(
        "23 to 33, R11",
        AX,
        NONE,
        REFUSED,
        "loses the column, every index and constraint that mentions it, and queries that name it fail",
        "deploy code that no longer names the column first, then approve this",
        destroys=True,
    ),
    "ALTER COLUMN TYPE": Form(
        "59 to 83, R13",
        AX,
        REWRITE,
        REFUSED,
        "may be written anew with its indexes, and prepared statements that return the column fail",
        "add a column of the new type, fill it by UPDATE, and let the application change over",
    ),
    "DROP CONSTRAINT": Form(
        "98, 99, 109, R8",
        AX,
        NONE,
        REFUSED,
        "stops being checked; dropping a foreign key locks the other table in ACCESS EXCLUSIVE too",
        "make sure that nothing relies on the constraint, then approve this",
    ),
    "RENAME COLUMN": Form(
        "47, R12",
        AX,
        NONE,
        REFUSED,
        "has a column of another name from one moment to the next: queries of running code fail",
        "add a column of the new name, fill it by UPDATE, and drop the old one when no code names it",
        breaks=True,
    ),
    "RENAME TO": Form(
        "116, R16",
        AX,
        NONE,
        REFUSED,
        "has another name from one moment to the next: queries of running code fail",
        "leave a view of the old name behind in the same deployment",
        breaks=True,
    ),
    "ADD EXCLUDE": Form("110, R15", AX, INDEX, REFUSED, "gets an index built under the lock", None),
    "SET SCHEMA": Form(
        "117", AX, NONE, REFUSED, "moves away from the name that running code uses", breaks=True
    ),
    "OWNER TO": Form("118", AX, NONE, FREE, "changes hands; row level security may apply to others"),
    "SET (storage parameters)": Form("119", SUX, NONE, FREE, "is stored otherwise from now on"),
    "RESET (storage parameters)": Form("119", SUX, NONE, FREE, "is stored otherwise from now on"),
    "SET STATISTICS": Form("54", SUX, NONE, FREE, "is analysed otherwise from now on"),
    "SET (attribute options)": Form("55", SUX, NONE, FREE, "is planned otherwise from now on"),
    "RESET (attribute options)": Form("55", SUX, NONE, FREE, "is planned otherwise from now on"),
    "SET STORAGE": Form("56", AX, NONE, FREE, "stores new values otherwise"),
    "SET COMPRESSION": Form("57", AX, NONE, FREE, "compresses new values otherwise"),
    "CLUSTER ON": Form("125", SUX, NONE, FREE, "remembers an index for CLUSTER"),
    "SET WITHOUT CLUSTER": Form("125", SUX, NONE, FREE, "forgets the index for CLUSTER"),
    "REPLICA IDENTITY": Form("130, 131", AX, NONE, FREE, "is replicated by another key from now on"),
    "SET IDENTITY": Form("49", AX, NONE, FREE, "numbers new rows otherwise"),
    "ADD IDENTITY": Form(
        "48",
        AX,
        NONE,
        REFUSED,
        "numbers new rows from 1 on, whatever numbers are taken",
        "set the sequence above the largest number in the same transaction",
    ),
    "DROP IDENTITY": Form(
        "50", AX, NONE, REFUSED, "numbers no rows any more: inserts without a number fail", breaks=True
    ),
    "DROP EXPRESSION": Form("51", AX, NONE, REFUSED, "computes the column no longer", breaks=True),
    "SET EXPRESSION": Form("52, 53", AX, REWRITE, REFUSED, "is written anew with its indexes"),
    "ALTER CONSTRAINT": Form("93, 94, 111", AX, SCAN, REFUSED, "may be read from end to end under the lock"),
    "SET TABLESPACE": Form("121", AX, REWRITE, REFUSED, "is copied under the lock"),
    "SET LOGGED": Form("123", AX, REWRITE, REFUSED, "is written anew under the lock"),
    "SET UNLOGGED": Form(
        "123", AX, REWRITE, REFUSED, "is written anew, and empty after a crash", destroys=True
    ),
    "SET ACCESS METHOD": Form("124", AX, REWRITE, REFUSED, "is written anew under the lock"),
    "SET WITHOUT OIDS": Form("126", AX, NONE, FREE, "stays as it is"),
    "ENABLE ROW LEVEL SECURITY": Form(
        "127",
        AX,
        NONE,
        REFUSED,
        "shows nothing to others than its owner where no policy allows it",
        breaks=True,
    ),
    "DISABLE ROW LEVEL SECURITY": Form("127", AX, NONE, FREE, "shows every row again"),
    "FORCE ROW LEVEL SECURITY": Form(
        "127", AX, NONE, REFUSED, "applies its policies to its owner too", breaks=True
    ),
    "NO FORCE ROW LEVEL SECURITY": Form("127", AX, NONE, FREE, "spares its owner the policies"),
    "ENABLE TRIGGER": Form("128", SRX, NONE, FREE, "fires the trigger from now on"),
    "DISABLE TRIGGER": Form(
        "128", SRX, NONE, REFUSED, "fires the trigger no longer; ALL includes foreign keys", breaks=True
    ),
    "ENABLE RULE": Form("129", AX, NONE, REFUSED, "rewrites queries from now on", breaks=True),
    "DISABLE RULE": Form("129", AX, NONE, REFUSED, "rewrites queries no longer", breaks=True),
    "INHERIT": Form("132", AX, NONE, REFUSED, "shows its rows in the parent from now on", breaks=True),
    "NO INHERIT": Form("132", AX, NONE, REFUSED, "no longer shows its rows in the parent", breaks=True),
    "OF": Form("133", AX, NONE, FREE, "is tied to a type"),
    "NOT OF": Form("133", AX, NONE, FREE, "is tied to a type no longer"),
    "ATTACH PARTITION": Form(
        "137 to 139, R17",
        AX,
        SCAN,
        REFUSED,
        "may be read from end to end, its default partition too",
        "give the new partition a validated CHECK of its bounds first",
    ),
    "DETACH PARTITION": Form(
        "140, 141, R18", AX, NONE, REFUSED, "waits for every reader, and the rows are gone", breaks=True
    ),
}

COMMANDS: dict[str, Form] = {
    "TRUNCATE": Form("176", AX, NONE, DESTROYS, "loses all its rows"),
    "LOCK TABLE": Form("181", AX, NONE, REFUSED, "is locked for as long as the transaction lasts"),
    "CLUSTER": Form("178", AX, REWRITE, REFUSED, "is written anew under the lock", "use pg_repack"),
    "VACUUM": Form("179", SUX, SCAN, FREE, "is cleaned up"),
    "ANALYZE": Form("180", SUX, NONE, FREE, "gets new statistics"),
    "REINDEX": Form(
        "160 to 162",
        AX,
        INDEX,
        REFUSED,
        "cannot be planned or written while its indexes are built",
        "use REINDEX … CONCURRENTLY",
    ),
    "REFRESH MATERIALIZED VIEW": Form(
        "200",
        AX,
        REWRITE,
        REFUSED,
        "cannot be read while it is filled",
        "use REFRESH MATERIALIZED VIEW CONCURRENTLY, which needs a unique index",
    ),
    "ALTER SEQUENCE": Form("202", SRX, NONE, FREE, "numbers otherwise from now on"),
    "CREATE POLICY": Form("208", AX, NONE, FREE, "shows other rows from now on"),
    "ALTER POLICY": Form("208", AX, NONE, FREE, "shows other rows from now on"),
    "CREATE RULE": Form("209", AX, NONE, REFUSED, "rewrites queries from now on", "use a trigger"),
    "CREATE STATISTICS": Form("210", SUX, NONE, FREE, "gets extended statistics"),
    "ALTER STATISTICS": Form("210", None, NONE, FREE, "gets other extended statistics"),
    "CREATE AGGREGATE": Form("207", None, NONE, FREE, "is new"),
    "CREATE COLLATION": Form("190", None, NONE, FREE, "is new"),
    "CREATE CAST": Form("219", None, NONE, REFUSED, "may change what running queries mean"),
    "CREATE OPERATOR": Form("207", None, NONE, FREE, "is new"),
    "CREATE ROLE": Form("190", None, NONE, FREE, "is new, in every database of the server"),
    "CREATE PUBLICATION": Form("214", SUX, NONE, FREE, "is published"),
    "ALTER PUBLICATION": Form("214", SUX, NONE, FREE, "is published otherwise"),
    "ALTER DEFAULT PRIVILEGES": Form("213", None, NONE, FREE, "concerns objects to come"),
    "ALTER FUNCTION": Form("207", None, NONE, FREE, "behaves otherwise from now on"),
    "ALTER EXTENSION": Form("216", None, NONE, REFUSED, "is updated by a script that may lock anything"),
    "DISCARD": Form("-", None, NONE, FREE, "concerns the session only"),
    "NOTIFY": Form("-", None, NONE, FREE, "tells those who listen"),
}


def command_form(kind: str) -> Form:
    """Return what is known of a command, by its words."""
    return COMMANDS.get(kind, UNKNOWN)


def action_form(kind: str) -> Form:
    """Return what is known of an action of ALTER TABLE, by its words."""
    return ACTIONS.get(kind, UNKNOWN)
