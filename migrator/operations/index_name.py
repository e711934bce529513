"""The name that the server chooses for an index without one (ChooseIndexName, ChooseIndexColumnNames).

Each key gives a part: a column its name, an expression the name that it would have in a SELECT list. The
latter is read from the text only where that is certain; else the answer is None, and the file has to give
a name.
"""

import re
from collections.abc import Iterable

from migrator.operations.names import unused_relation_name
from migrator.postgres.facts import Facts
from migrator.postgres.identifiers import NAME_LIMIT, QualifiedName, fold, truncate
from migrator.postgres.object_names import joined_columns
from migrator.sql.syntax import CreateIndex, IndexElement

_IDENTIFIER = r'(?:[^\x00-@\[-^`{-\x7f][\w$]*|"(?:[^"]|"")+")'
_CALL = re.compile(rf"(?:{_IDENTIFIER}\s*\.\s*)?({_IDENTIFIER})\s*\((.*)\)", re.DOTALL)

_OWN_SYNTAX = frozenset(
    [
        "cast",
        "extract",
        "trim",
        "position",
        "overlay",
        "substring",
        "normalize",
        "collation",
        "treat",
        "row",
        "array",
        "case",
        "grouping",
        "exists",
    ]
)
"""Words before a parenthesis that are not, or not always, functions of that name."""

_OPERATOR = re.compile(r"[-+*/<>=~!@#%^&|?]")
_CASE = re.compile(r"\bcase\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


def index_name(command: CreateIndex, table: QualifiedName, facts: Facts) -> str | None:
    """Return the index's name as written, or as the server would choose it; None where that is uncertain."""
    if command.name is not None:
        return command.name
    parts = [_element_name(element) for element in command.elements]
    if None in parts:
        return None
    known = [part for part in parts if part is not None]
    return unused_name(table, (*known, *command.include), "idx", facts)


def unused_name(table: QualifiedName, columns: Iterable[str], label: str, facts: Facts) -> str:
    """Return `t_a_b_idx`, numbered until no relation of the schema has it."""
    return unused_relation_name(table, joined_columns(distinct_names(columns)), label, facts)


def distinct_names(columns: Iterable[str]) -> tuple[str, ...]:
    """Return the names of an index's columns: the second `a` is `a1`."""
    result: list[str] = []
    for column in columns:
        name, attempt = column, 0
        while name in result:
            attempt += 1
            name = f"{truncate(column, NAME_LIMIT - len(str(attempt)))}{attempt}"
        result.append(name)
    return tuple(result)


def _element_name(element: IndexElement) -> str | None:
    if element.column is not None:
        return element.column
    return None if element.expression is None else expression_name(element.expression.text)


def expression_name(text: str) -> str | None:
    """Return FigureIndexColname's answer for a call (its function) and for an operator (`expr`)."""
    text = _bare(text)
    call = _CALL.fullmatch(text)
    if call and _closes_at_end(text):
        name = fold(call.group(1))
        return None if name in _OWN_SYNTAX or name.startswith(("xml", "json")) else name
    outside = _outside_brackets(_QUOTED.sub("x", text))
    if _CASE.search(outside) or not _OPERATOR.search(outside):
        return None
    return "expr"  # all that binds tighter, `::` and COLLATE too, stands below the operator


def _bare(text: str) -> str:
    text = text.strip()
    while text.startswith("(") and _closes_at_end(text):
        text = text[1:-1].strip()
    return text


def _closes_at_end(text: str) -> bool:
    """Whether the first parenthesis closes with the last character."""
    plain = _QUOTED.sub(lambda match: "x" * len(match.group()), text)
    depth = 0
    for position, character in enumerate(plain):
        depth += (character == "(") - (character == ")")
        if depth == 0 and character == ")":
            return position == len(plain) - 1
    return False


def _outside_brackets(text: str) -> str:
    result, depth = [], 0
    for character in text:
        depth += character in "(["
        result.append(character if depth == 0 else "")
        depth -= character in ")]"
    return "".join(result)
