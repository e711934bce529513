"""`migrate facts export`: definitions and sizes of a database as a file; never a row of it."""

from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from migrator import __version__
from migrator.cli.failure import say
from migrator.cli.group import Command
from migrator.cli.output import echo_json
from migrator.cli.project import load_project
from migrator.cli.whole_file import write_whole


@click.command(
    cls=Command,
    examples=(
        ("migrate facts export -o facts.json", "for migrate plan --facts, and migrate verify --facts"),
    ),
    exit_codes=(0, 2, 7, 9),
)
@click.argument("action", type=click.Choice(["export"]))
@click.option(
    "-o",
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Write the file whole or not at all; without it the document goes to standard output.",
)
def facts(*, action: str, output: Path | None) -> None:  # noqa: ARG001  # there is one so far
    """Write what is known of the database: definitions, sizes, activity, settings, standbys.

    Read-only. No row, no value of a row, and no secret is in it; when and from where it was made is.
    """
    from migrator.database.calibration import read_measured
    from migrator.database.enums import read_enums
    from migrator.database.introspect import read_facts
    from migrator.database.server_state import read_server_state
    from migrator.database.translate import translating
    from migrator.postgres.facts_document import FactsDocument, encode
    from migrator.workflow import place

    project = load_project()
    with (
        project.connector.session("facts", read_only=True) as connection,
        translating("reading the database"),
    ):
        document = FactsDocument(
            tool_version=__version__,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            place=place(connection),
            facts=msgspec.structs.replace(
                read_facts(connection, journal_schema=project.policy.journal_schema),
                measured=read_measured(connection, project.policy.journal_schema),
            ),
            enums=read_enums(connection),
            server=read_server_state(connection, project.policy.journal_schema),
        )
    if output is None:
        echo_json(encode(document), nl=False)
    else:
        write_whole(output, encode(document))
        say(f"wrote {output}; use it with: migrate plan --facts {output}")
