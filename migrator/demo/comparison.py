"""Whether two databases have the same schema, by pg_dump; and what a run must not leave behind.

The journal's schema does not count. What pg_dump does not tell is asked of the catalogs: invalid indexes,
sessions, advisory locks. Fails with `CannotConnect` where pg_dump does.
"""

import difflib
import subprocess
from importlib.resources import files
from pathlib import Path

import psycopg

from migrator.errors import CannotConnect

_NOISE = ("--", "SET ", "SELECT pg_catalog.set_config", "\\restrict ", "\\unrestrict ")


def schema(pg_dump: Path, database: str, *, journal: str) -> list[str]:
    """Return the lines of a dump that describe the schema."""
    command = [str(pg_dump), "--schema-only", f"--exclude-schema={journal}", f"--dbname={database}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # PostgreSQL's own
    if done.returncode != 0:
        raise CannotConnect(f"pg_dump failed: {done.stderr.strip()}")
    return [line for line in done.stdout.splitlines() if line and not line.startswith(_NOISE)]


def differences(ours: list[str], theirs: list[str]) -> list[str]:
    """Return the lines that stand in only one of the two, with a sign for each."""
    delta = difflib.unified_diff(theirs, ours, lineterm="", n=0)
    return [line for line in delta if not line.startswith(("---", "+++", "@@"))]


def remains(database: str, *, journal: str) -> list[str]:
    """Return what an unfinished or careless run left behind, one line each."""
    query = files("migrator.demo").joinpath("remains.sql").read_text()
    with psycopg.connect(database, autocommit=True, application_name="demo") as connection:
        return [text for (text,) in connection.execute(query.encode(), {"journal": journal})]
