"""What is known of the commands without a safe sequence of their own, keyed by their words."""

from migrator.operations.known_forms import (
    AX,
    BREAKS,
    FREE,
    INDEX,
    NONE,
    REFUSED,
    REWRITE,
    SCAN,
    SUX,
    Form,
    S,
)

COMMANDS: dict[str, Form] = {
    "LOCK TABLE": Form(
        "181", AX, NONE, REFUSED, "is locked until its own transaction ends: every statement has one"
    ),
    "CLUSTER": Form("178", AX, REWRITE, REFUSED, "is written anew under the lock", "use pg_repack"),
    "VACUUM": Form("179", SUX, SCAN, FREE, "is cleaned up"),
    "ANALYZE": Form("180", SUX, NONE, FREE, "gets new statistics"),
    "CREATE POLICY": Form("208", AX, NONE, FREE, "shows other rows from now on"),
    "ALTER POLICY": Form("208", AX, NONE, FREE, "shows other rows from now on"),
    "CREATE RULE": Form("209", AX, NONE, REFUSED, "rewrites queries from now on", "use a trigger"),
    "CREATE STATISTICS": Form("210", SUX, NONE, FREE, "gets extended statistics"),
    "CREATE PUBLICATION": Form("214", SUX, NONE, FREE, "is published"),
    "ALTER DEFAULT PRIVILEGES": Form("213", None, NONE, FREE, "concerns objects to come"),
    "DISCARD": Form("-", None, NONE, FREE, "concerns the session only"),
    "NOTIFY": Form("-", None, NONE, FREE, "tells those who listen"),
    "REINDEX DATABASE": Form(
        "162",
        AX,
        INDEX,
        REFUSED,
        "has its tables locked one after the other",
        "write REINDEX SCHEMA or TABLE",
    ),
    "REINDEX DATABASE CONCURRENTLY": Form(
        "162",
        SUX,
        INDEX,
        REFUSED,
        "gets new indexes, and nothing proves which",
        "write REINDEX SCHEMA or TABLE",
    ),
    "REINDEX SYSTEM": Form("162", AX, INDEX, REFUSED, "has its catalogs locked one after the other"),
    "VACUUM FULL": Form("178", AX, REWRITE, REFUSED, "is written anew under the lock", "use pg_repack"),
    "DO": Form("-", None, NONE, REFUSED, "is given to code that may do anything", "write its statements"),
    "CALL": Form("-", None, NONE, REFUSED, "is given to code that may do anything", "write its statements"),
    "ALTER TRIGGER RENAME TO": Form("206", AX, NONE, FREE, "has a trigger of another name"),
    "ALTER RULE RENAME TO": Form("209", AX, NONE, FREE, "has a rule of another name"),
    "ALTER SCHEMA RENAME TO": Form("217", None, NONE, BREAKS, "has a schema of another name: queries fail"),
    "ALTER SCHEMA OWNER TO": Form("217", None, NONE, FREE, "has a schema of another owner"),
    "ALTER EXTENSION UPDATE": Form(
        "216", None, NONE, REFUSED, "is changed by a script that may lock anything"
    ),
    "ALTER EXTENSION SET SCHEMA": Form("216", None, NONE, BREAKS, "has the extension's objects elsewhere"),
    "ALTER TYPE RENAME VALUE": Form("187", None, NONE, BREAKS, "knows the old label no longer"),
    "ALTER TYPE RENAME ATTRIBUTE": Form("188", AX, NONE, BREAKS, "knows the old attribute no longer"),
    "ALTER TYPE RENAME TO": Form("189", None, NONE, BREAKS, "knows the old name no longer"),
    "ALTER TYPE SET SCHEMA": Form("189", None, NONE, BREAKS, "has the type elsewhere"),
    "ALTER TYPE OWNER TO": Form("189", None, NONE, FREE, "has a type of another owner"),
    "ALTER DOMAIN RENAME TO": Form("189", None, NONE, BREAKS, "knows the old name no longer"),
    "ALTER DOMAIN SET SCHEMA": Form("189", None, NONE, BREAKS, "has the domain elsewhere"),
    "ALTER DOMAIN OWNER TO": Form("189", None, NONE, FREE, "has a domain of another owner"),
    "ALTER DOMAIN ADD CONSTRAINT": Form(
        "192",
        S,
        SCAN,
        REFUSED,
        "has every table that uses the domain read while writes wait",
        "add it NOT VALID",
    ),
    "ALTER DOMAIN SET NOT NULL": Form(
        "192", S, SCAN, REFUSED, "has every table that uses the domain read while writes wait"
    ),
    "ALTER DOMAIN VALIDATE CONSTRAINT": Form(
        "194",
        S,
        SCAN,
        REFUSED,
        "has every table that uses the domain read while writes wait",
        "do it off-peak",
    ),
    "ALTER DOMAIN ADD CONSTRAINT NOT VALID": Form("193", None, NONE, FREE, "checks new values"),
    "ALTER DOMAIN DROP CONSTRAINT": Form("195", None, NONE, FREE, "checks values no longer"),
    "ALTER DOMAIN DROP NOT NULL": Form("195", None, NONE, FREE, "accepts NULL"),
    "ALTER DOMAIN DROP DEFAULT": Form("195", None, NONE, FREE, "gives no default any more"),
    "ALTER DOMAIN SET DEFAULT": Form("195", None, NONE, FREE, "gives another default"),
    "ALTER DOMAIN RENAME CONSTRAINT": Form("195", None, NONE, FREE, "has a constraint of another name"),
    **{
        f"ALTER {routine} {what}": Form(
            "207", None, NONE, verdict, "has a routine that is not the one it was"
        )
        for routine in ("FUNCTION", "PROCEDURE", "ROUTINE")
        for what, verdict in (
            ("OPTIONS", FREE),
            ("OWNER TO", FREE),
            ("RENAME TO", BREAKS),
            ("SET SCHEMA", BREAKS),
        )
    },
}
