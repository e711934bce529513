"""A search_path as SET writes it, as the schemas in which names are looked for.

Reads a list of identifiers and string constants. Anything else gives None: the caller then refuses the
statement.
"""

import re

from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import fold

_ITEM = re.compile(r'\s*("(?:[^"]|"")*"|\'(?:[^\']|\'\')*\'|[^\W\d][\w$]*)\s*(,|$)')


def schemas_of(text: str, role: str | None, facts: Facts) -> tuple[str, ...] | None:
    """Return the schemas of the path that exist, as current_schemas(false) does."""
    items = _items(text)
    if items is None:
        return None
    resolved = [role if item == "$user" else item for item in items]
    known = set(facts.schemas)
    found = [item for item in resolved if item and (item in known or (not facts.complete and item != role))]
    return tuple(dict.fromkeys(item for item in found if item != "pg_catalog"))


def _items(text: str) -> list[str] | None:
    items, position = [], 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            return None
        items.append(_item(match[1]))
        position = match.end()
        if not match[2]:
            return items if position == len(text) else None
    return None if items else []


def _item(written: str) -> str:
    """Fold an identifier; a string constant is taken as it is (SET takes it for one name)."""
    if written.startswith("'"):
        return written[1:-1].replace("''", "'")
    return fold(written)
