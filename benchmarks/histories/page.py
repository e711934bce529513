"""docs/histories.md: tables from the results, and what a person has written about the findings.

Everything from the heading `## Looked at by hand` on is kept as it stands.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.histories.results import Results

BY_HAND = "## Looked at by hand\n"

_HEAD = """# Real histories

Five projects' own migrations, plain SQL written for other tools, applied by migrator from the first file
to the last and compared with psql. Their files are not part of this project. This page is written by

```
python -m benchmarks.histories --write docs/histories.md
```

which looks for them in `../shared/histories` or in the folder named by `MIGRATOR_HISTORIES`, and needs
Docker (or `--server URL` of a superuser). Measured on {server}, two cores.
"""

_EMPTY = """
## On an empty database

`apply` runs the whole history; psql runs it file by file; `pg_dump --schema-only` of both is compared.
Nothing is live, so every file runs as written.

"""

_JUDGED = """
## Judged as in a pull request

Each file planned from what the files before it leave, as if every table were large and in use.
*Rewritten*: statements in whose place other steps run. *To approve*: errors that a person may accept in
the file, or answer by a directive. *Refused*: errors that no approval makes right.

"""

_LIVE = """
## On a database in use

The same again with `small_table_rows = 0` and rows in every table after each file: made from the catalog
by the same seed in both databases. What a plan asks for is approved, contract phases run at once.
*Refused*: files that the plan refuses for good; they ran as written and were resolved. *Emptied*: files
for which psql itself needed the tables emptied, because rows made from a catalog are not what the file
expects. *Unfilled*: tables that no row could be made for at some time.

"""


def render(results: Results, before: str) -> str:
    """Return the page; `before` is the page as it was."""
    kept = before[before.index(BY_HAND) :] if BY_HAND in before else f"{BY_HAND}\nNothing yet.\n"
    parts = [
        _HEAD.format(server=results.server),
        _EMPTY,
        _table(_EMPTY_HEAD, [_empty_row(name, r) for name, r in sorted(results.empty.items())]),
        _JUDGED,
        _table(_JUDGED_HEAD, [_judged_row(name, r) for name, r in sorted(results.empty.items())]),
        "\n",
        _hazards(results.empty),
        _LIVE,
        _table(_LIVE_HEAD, [_live_row(name, r) for name, r in sorted(results.live.items())]),
        *_remarks(results.live),
        "\n",
        kept,
    ]
    return "".join(parts)


def write(path: Path, results: Results) -> None:
    path.write_text(render(results, path.read_text() if path.exists() else ""))


_EMPTY_HEAD = ("history", "files", "statements", "opaque", "apply", "psql", "schema equal")
_JUDGED_HEAD = (
    "history",
    "statements",
    "rewritten",
    "opaque",
    "to approve",
    "refused",
    "files without warning",
)
_LIVE_HEAD = (
    "history",
    "files",
    "rewritten",
    "approvals",
    "refused",
    "emptied",
    "contracted",
    "rows made",
    "unfilled",
    "time",
    "schema equal",
    "tables that differ",
)


def _empty_row(name: str, record: dict[str, Any]) -> tuple[object, ...]:
    counts = record["counts"]
    seconds, psql = f"{record['seconds']:.1f} s", f"{record['psql_seconds']:.1f} s"
    return (
        name,
        counts["files"],
        counts["statements"],
        counts["opaque"],
        seconds,
        psql,
        _yes(record["equal"]),
    )


def _judged_row(name: str, record: dict[str, Any]) -> tuple[object, ...]:
    counts = record["counts"]
    touched = len({line.split(":", 1)[0] for line in record["findings"]})
    quiet = counts["files"] - touched
    return (
        name,
        counts["statements"],
        counts["rewrites"],
        counts["opaque"],
        counts["approvals"],
        counts["refusals"],
        quiet,
    )


def _live_row(name: str, record: dict[str, Any]) -> tuple[object, ...]:
    return (
        name,
        record["counts"]["files"],
        record["counts"]["rewrites"],
        record["approved"],
        len(record["refused"]),
        len(record["emptied"]),
        record["contracted"],
        record["rows"],
        len(record["unfilled"]),
        f"{record['seconds']:.0f} s",
        _yes(record["equal"]),
        len(record["lost"]),
    )


def _hazards(records: dict[str, dict[str, Any]]) -> str:
    names = sorted(records)
    kinds = sorted({kind for record in records.values() for kind in record["counts"]["hazards"]})
    rows = []
    for kind in kinds:
        hazard, severity = kind.split()
        numbers = [records[name]["counts"]["hazards"].get(kind, 0) for name in names]
        rows.append((f"[{hazard}](hazards/{hazard}.md)", severity, *numbers))
    return _table(("hazard", "severity", *names), rows)


def _remarks(records: dict[str, dict[str, Any]]) -> Iterable[str]:
    for name, record in sorted(records.items()):
        lines = [
            *(f"refused: {_shortened(line)}" for line in record["refused"]),
            *(f"differs: {_shortened(line)}" for line in record["lost"]),
            *(f"failed: {_shortened(line)}" for line in record["failed"]),
        ]
        if lines:
            yield f"\n{name}:\n\n" + "".join(f"- {line}\n" for line in lines)


def _shortened(text: str) -> str:
    """Without the folder that the files were copied to; one line."""
    words = " ".join(text.split()).replace("|", "\\|")
    return " ".join(word.rsplit("/", 1)[-1] if word.startswith("/") else word for word in words.split())


def _yes(answer: bool) -> str:  # noqa: FBT001  # it is the answer
    return "yes" if answer else "**no**"


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    def line(cells: Iterable[object]) -> str:
        return f"| {' | '.join(f'{c:,}' if isinstance(c, int) else str(c) for c in cells)} |\n"

    heading = list(head)
    return line(heading) + line("---" for _ in heading) + "".join(map(line, rows))
