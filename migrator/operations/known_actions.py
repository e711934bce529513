"""What is known of the actions of ALTER TABLE (INDEX, VIEW, …) without a safe sequence of their own.

Keyed by the words of the action, after the kind of object where that is another than a table and it matters.
"""

from migrator.operations.known_forms import (
    AX,
    BREAKS,
    FREE,
    INDEX,
    NONE,
    REFUSED,
    REWRITE,
    SCAN,
    SRX,
    SUX,
    Form,
)

ACTIONS: dict[str, Form] = {
    "RENAME TO": Form(
        "116, R16",
        AX,
        NONE,
        BREAKS,
        "has another name from one moment to the next: queries of running code fail",
        "leave a view of the old name behind in the same deployment",
    ),
    "ADD EXCLUDE": Form("110, R15", AX, INDEX, REFUSED, "gets an index built under the lock", None),
    "SET SCHEMA": Form("117", AX, NONE, BREAKS, "moves away from the name that running code uses"),
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
    "ALTER CONSTRAINT": Form(
        "94, 111, 112", AX, NONE, FREE, "has a constraint checked otherwise from now on"
    ),
    "ALTER CONSTRAINT ENFORCED": Form(
        "93",
        AX,
        SCAN,
        REFUSED,
        "is read from end to end under the lock, and what it refers to as well",
        "drop the constraint and add it anew, which is validated while reads and writes go on",
    ),
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
        BREAKS,
        "shows nothing to others than its owner where no policy allows it",
        "CREATE POLICY in statements before it, then approve this",
    ),
    "DISABLE ROW LEVEL SECURITY": Form("127", AX, NONE, FREE, "shows every row again"),
    "FORCE ROW LEVEL SECURITY": Form("127", AX, NONE, BREAKS, "applies its policies to its owner too"),
    "NO FORCE ROW LEVEL SECURITY": Form("127", AX, NONE, FREE, "spares its owner the policies"),
    "ENABLE TRIGGER": Form("128", SRX, NONE, FREE, "fires the trigger from now on"),
    "DISABLE TRIGGER": Form(
        "128", SRX, NONE, BREAKS, "fires the trigger no longer; ALL includes foreign keys"
    ),
    "ENABLE RULE": Form("129", AX, NONE, BREAKS, "rewrites queries from now on"),
    "DISABLE RULE": Form("129", AX, NONE, BREAKS, "rewrites queries no longer"),
    "INHERIT": Form("132", AX, NONE, BREAKS, "shows its rows in the parent from now on"),
    "NO INHERIT": Form("132", AX, NONE, BREAKS, "no longer shows its rows in the parent"),
    "OF": Form("133", AX, NONE, FREE, "is tied to a type"),
    "NOT OF": Form("133", AX, NONE, FREE, "is tied to a type no longer"),
    "SET ATTRIBUTES": Form("55", SUX, NONE, FREE, "is planned otherwise from now on"),
    "RESET ATTRIBUTES": Form("55", SUX, NONE, FREE, "is planned otherwise from now on"),
    "ENABLE ALWAYS TRIGGER": Form("128", SRX, NONE, FREE, "fires the trigger from now on"),
    "ENABLE REPLICA TRIGGER": Form("128", SRX, NONE, FREE, "fires the trigger on replicas only"),
    "ENABLE ALWAYS RULE": Form("129", AX, NONE, BREAKS, "rewrites queries from now on"),
    "ENABLE REPLICA RULE": Form("129", AX, NONE, BREAKS, "rewrites queries on replicas only"),
    "DEPENDS ON EXTENSION": Form("166", AX, NONE, FREE, "goes with the extension"),
    "SEQUENCE OPTIONS": Form("202", SRX, NONE, FREE, "numbers otherwise from now on"),
    "INDEX RENAME TO": Form("163", SUX, NONE, FREE, "has another name"),
    "INDEX SET (storage parameters)": Form("164", SUX, NONE, FREE, "is stored otherwise from now on"),
    "INDEX RESET (storage parameters)": Form("164", SUX, NONE, FREE, "is stored otherwise from now on"),
    "INDEX SET STATISTICS": Form("164", SUX, NONE, FREE, "is analysed otherwise from now on"),
    "INDEX ATTACH PARTITION": Form("147, R19", AX, NONE, FREE, "becomes part of the partitioned index"),
    "INDEX SET TABLESPACE": Form(
        "165",
        AX,
        REWRITE,
        REFUSED,
        "is copied under the lock",
        "use REINDEX (TABLESPACE …) INDEX CONCURRENTLY",
    ),
    "VIEW SET (storage parameters)": Form("198", AX, NONE, FREE, "is read otherwise from now on"),
    "VIEW RESET (storage parameters)": Form("198", AX, NONE, FREE, "is read otherwise from now on"),
}
