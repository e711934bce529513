"""A new name with capitals, spaces or a reserved word: every statement that uses it has to quote it.

Names of constraints, indexes and triggers are left alone: no query has them, and tools derive them.
"""

from collections.abc import Iterator

from migrator.plan.hazard import HazardKind
from migrator.postgres.identifiers import quote
from migrator.sql.keywords import NOT_COLUMN
from migrator.style.base import Advice, Scene, StyleCheck, listed
from migrator.style.new_names import new_names


def _find(scene: Scene) -> Iterator[Advice]:
    names = (name.text for name in new_names(scene) if name.queried)
    quoted = [quote(name) for name in names if _needs_quotes(name)]
    if quoted:
        yield Advice(
            message=f"every statement has to quote {listed(quoted)}: without quotes it is another name",
            instead="lower case, digits and underscores, and no word of SQL",
        )


def _needs_quotes(name: str) -> bool:
    plain = name.replace("$", "_")
    return not plain.isidentifier() or name[0] == "$" or name != name.lower() or name in NOT_COLUMN


NAME_NEEDS_QUOTES = StyleCheck(kind=HazardKind.NAME_NEEDS_QUOTES, find=_find)
