"""Which statements the server refuses inside a transaction block, told by their words.

It may assume the exact text of one statement. It is only asked where the grammar could not say; a wrong no
costs an error of the server before anything is changed, a wrong yes the proof of the outcome.
"""

_FIRST_WORDS = (
    "ALTER DATABASE",
    "ALTER SUBSCRIPTION",
    "ALTER SYSTEM",
    "COMMIT PREPARED",
    "CREATE DATABASE",
    "CREATE SUBSCRIPTION",
    "CREATE TABLESPACE",
    "DISCARD ALL",
    "DROP DATABASE",
    "DROP SUBSCRIPTION",
    "DROP TABLESPACE",
    "REINDEX DATABASE",
    "REINDEX SCHEMA",
    "REINDEX SYSTEM",
    "ROLLBACK PREPARED",
    "VACUUM",
)

_CONCURRENT = ("ALTER TABLE", "CREATE INDEX", "CREATE UNIQUE INDEX", "DROP INDEX", "REINDEX")


def outside(text: str) -> bool:
    """Whether the statement cannot run in a transaction block."""
    words = text.upper().replace("(", " (").split()
    if " ".join(words).startswith(_FIRST_WORDS):
        return not " ".join(words[:3]).startswith("ALTER DATABASE") or "TABLESPACE" in words
    return "CONCURRENTLY" in words and " ".join(words).startswith(_CONCURRENT)
