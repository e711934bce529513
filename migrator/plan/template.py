"""How generated SQL is put together: constant templates, filled with quoted names and slices of a file.

A value that is filled in is never read again, so braces or quotes in a user's text mean nothing here. Nothing
is checked: what the callers (`plan.ddl…`) pass is quoted by `postgres.identifiers` or is an exact slice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def fill(template: str, **parts: str) -> str:
    """Return the template with its `{names}` replaced."""
    return template.format(**parts)


def literal(text: str) -> str:
    """Return a string constant; `standard_conforming_strings` is on in every session of ours."""
    if "\0" in text:
        message = "a string constant cannot hold a NUL character"
        raise ValueError(message)
    return "'" + text.replace("'", "''") + "'"


def conjunction(conditions: Iterable[str | None]) -> str:
    """Join conditions by AND, each in parentheses; `true` for none."""
    return " AND ".join(f"({condition})" for condition in conditions if condition) or "true"


def disjunction(conditions: Iterable[str]) -> str:
    """Join conditions by OR, each in parentheses; a single one stays as it is."""
    given = list(conditions)
    return given[0] if len(given) == 1 else " OR ".join(f"({condition})" for condition in given)


def unused(wanted: str, taken: Iterable[str]) -> str:
    """Return `wanted`, with underscores added until nothing of that name is in the way."""
    names = set(taken)
    while wanted in names:
        wanted += "_"
    return wanted
