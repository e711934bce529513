"""Whether a validated CHECK proves that a column has no NULL, so that SET NOT NULL needs no scan (12+).

It reads pg_get_constraintdef's text, which is regular. Where the text holds a string constant the answer is
no: a needless scan is better than a missing one.
"""

from collections.abc import Iterator

from migrator.postgres.facts import Constraint, ConstraintKind, Relation
from migrator.postgres.identifiers import quote


def proved_not_null(relation: Relation, column: str) -> bool:
    """Whether some validated CHECK of the table implies `column IS NOT NULL`."""
    return any(_implies(constraint, column) for constraint in relation.constraints)


def _implies(constraint: Constraint, column: str) -> bool:
    text = constraint.definition.strip()
    if constraint.kind is not ConstraintKind.CHECK or not constraint.validated or "'" in text:
        return False
    if not text.upper().startswith("CHECK") or not text.endswith(")"):
        return False
    wanted = {f"{column} IS NOT NULL", f"{quote(column)} IS NOT NULL"}
    return any(_bare(part) in wanted for part in _conjuncts(_bare(text[len("CHECK") :])))


def _conjuncts(text: str) -> Iterator[str]:
    """Split at AND outside parentheses; a text with OR at that level is one piece that proves nothing."""
    depth, start = 0, 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0 and text[position : position + 4].upper() == " OR ":
            return
        if depth == 0 and text[position : position + 5].upper() == " AND ":
            yield text[start:position]
            start = position + 5
    yield text[start:]


def _bare(text: str) -> str:
    """Strip parentheses that enclose the whole text."""
    text = text.strip()
    while text.startswith("(") and _closing(text) == len(text) - 1:
        text = text[1:-1].strip()
    return text


def _closing(text: str) -> int:
    """Return where the first parenthesis closes, -1 where it does not."""
    depth = 0
    for position, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return position
    return -1
