"""A file as psql runs it: one statement after the other, or all in one transaction, stopping at an error."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.schema_dump import pg_dump_program


class NaiveError(Exception):
    """Psql refused a file; the message is its own."""


def run_file(url: str, path: Path, *, in_one_transaction: bool = False) -> None:
    """Run one file in a session of its own."""
    command = [str(psql_program()), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--output=/dev/null"]
    command += ["--single-transaction"] if in_one_transaction else []
    done = subprocess.run([*command, f"--file={path}", url], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NaiveError(done.stderr.strip())


def run_files(url: str, files: Iterable[tuple[Path, bool]]) -> None:
    """Run files one after the other, each with new settings; the second value asks for one transaction."""
    script = ["\\set ON_ERROR_STOP on"]
    for path, in_one_transaction in files:
        lines = [f"\\i '{path}'"]
        script += ["DISCARD ALL;", *(["BEGIN;", *lines, "COMMIT;"] if in_one_transaction else lines)]
    command = [str(psql_program()), "--no-psqlrc", "--quiet", "--output=/dev/null", url]
    done = subprocess.run(command, input="\n".join(script), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NaiveError(done.stderr.strip())


def psql_program() -> Path:
    """The psql that the embedded package ships."""
    return pg_dump_program().with_name("psql")
