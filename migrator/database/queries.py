"""Our own SQL, by name: each file of `sql/` is a list of queries, each with a name and a description.

A query begins with a line `-- name: NAME`, followed by comment lines that describe it, and ends where the
next begins. A file that is not written so, and a name that is not in it, are bugs (`ValueError`, `KeyError`).
"""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, LiteralString

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = re.compile(r"^-- name: (?P<name>[^\n]+)\n(?P<description>(?:--[^\n]*\n)+)", re.MULTILINE)


@cache
def load(file: str, *, package: str = "migrator.database") -> Mapping[str, LiteralString]:
    """Return the queries of `sql/FILE` of a package by name; they are as literal as in the program itself."""
    text = files(package).joinpath("sql", file).read_text(encoding="utf-8")
    heads = list(_NAME.finditer(text))
    ends = [head.start() for head in heads[1:]] + [len(text)]
    queries = {
        head["name"].strip(): text[head.end() : end].strip() for head, end in zip(heads, ends, strict=True)
    }
    if len(queries) != len(heads) or text.count("-- name:") != len(heads):
        raise ValueError(f"sql/{file}: every query needs a name of its own and a description")
    return MappingProxyType(queries)
