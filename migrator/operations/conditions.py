"""Conditions of WHERE as far as text tells: their conjuncts, and what some of them say of a column.

Anything that is not plain is "no": a needless walk is better than a wrong one.
"""

import re
from collections.abc import Iterator

from migrator.postgres.facts import Relation
from migrator.postgres.identifiers import quote
from migrator.sql import expressions

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")
_WORD = re.compile(r"\b(and|or|between|case)\b|[()]", re.IGNORECASE)


def conjuncts(text: str) -> tuple[str, ...]:
    """Split at AND outside parentheses; a text with OR, BETWEEN or CASE at that level is one piece."""
    masked = _QUOTED.sub(lambda match: "x" * len(match.group()), text)
    depth, cuts = 0, [0]
    for match in _WORD.finditer(masked):
        word = match.group().lower()
        depth += (word == "(") - (word == ")")
        if depth or word in {"(", ")"}:
            continue
        if word != "and":
            return (text.strip(),)
        cuts += [match.start(), match.end()]
    cuts.append(len(text))
    return tuple(text[start:end].strip() for start, end in zip(cuts[::2], cuts[1::2], strict=True))


def requires_null(text: str, column: str, reference: str) -> bool:
    """Whether the condition only holds where the column is NULL."""
    ways = {f"{name} is null" for name in _spellings(column, reference)}
    return any(re.sub(r"\s+", " ", part).lower() in ways for part in conjuncts(text))


def by_unique_key(text: str, relation: Relation, reference: str) -> bool:
    """Whether the condition names one row by constants."""
    given = set(_equal_to_constants(text, relation, reference))
    keys = [index.keys for index in relation.indexes if index.unique and index.valid and not index.predicate]
    return any(set(key) <= given for key in [*keys, relation.primary_key] if key and None not in key)


def _equal_to_constants(text: str, relation: Relation, reference: str) -> Iterator[str]:
    for part in conjuncts(text):
        left, equals, right = part.partition("=")
        found = expressions.read(right) if equals else None
        if found is None or not found.is_constant:
            continue
        for column in relation.columns:
            if left.strip().lower() in _spellings(column.name, reference):
                yield column.name


def _spellings(column: str, reference: str) -> set[str]:
    """How a column may be written; those that need quotes are left out unless they are in lower case."""
    if column != column.lower():
        return set()
    columns, references = {column, quote(column)}, {reference.lower(), quote(reference).lower()}
    return columns | {f"{r}.{c}" for r in references for c in columns}
