"""Where the histories are, and how one is laid out: test data of other projects, never part of this one.

A folder for each history: `NNNN_title.sql` in the order of application, `META.tsv` (column `notes`:
`notransaction` marks files that cannot run in one transaction), `README` (`mode: single`: its own tool runs
each file in one transaction), and where the project keeps things outside its migrations `_prelude.sql`.
MIGRATOR_HISTORIES names the folder of folders; else it is `../shared/histories` beside the repository.
"""

import csv
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from migrator import history
from migrator.sql.migration import Migration

PRELUDE = "0000_prelude.sql"

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    name: str
    folder: Path

    @property
    def files(self) -> tuple[Path, ...]:
        """The prelude first, where there is one."""
        prelude = self.folder / "_prelude.sql"
        found = sorted(self.folder.glob("[0-9]*.sql"))
        return (prelude, *found) if prelude.exists() else tuple(found)

    @property
    def schema(self) -> Path:
        """What pg_dump said of the end on PostgreSQL 15."""
        return self.folder / "_schema.sql"

    @property
    def in_one_transaction(self) -> frozenset[str]:
        """Names of the files that their own tool runs in one transaction."""
        if "\nmode: single" not in (self.folder / "README").read_text():
            return frozenset()
        with (self.folder / "META.tsv").open() as meta:
            rows = list(csv.DictReader(meta, delimiter="\t"))
        return frozenset(row["file"] for row in rows if "notransaction" not in (row["notes"] or ""))

    def copy_to(self, directory: Path) -> tuple[Migration, ...]:
        """Copy the files to where they can be applied from, and read them."""
        for path in self.files:
            shutil.copy(path, directory / (PRELUDE if path.name == "_prelude.sql" else path.name))
        return history.read_history(directory)


def histories_folder() -> Path:
    """It need not exist."""
    named = os.environ.get("MIGRATOR_HISTORIES")
    return Path(named) if named else ROOT.parent / "shared" / "histories"


def all_histories() -> tuple[History, ...]:
    """None where the folder is absent."""
    found = sorted(path.parent for path in histories_folder().glob("*/META.tsv"))
    return tuple(History(name=folder.name, folder=folder) for folder in found)
