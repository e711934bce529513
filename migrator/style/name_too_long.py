"""A new name of more than 63 bytes, which the server cuts: two names may become one."""

from collections.abc import Iterator

from migrator.plan.hazard import HazardKind
from migrator.postgres.identifiers import NAME_LIMIT, fold
from migrator.sql.tokens import TokenKind, scan
from migrator.style.base import Advice, Scene, StyleCheck
from migrator.style.new_names import new_names


def _find(scene: Scene) -> Iterator[Advice]:
    names = (name.text for name in new_names(scene))
    given = {name for name in names if len(name.encode()) > NAME_LIMIT - _LONGEST_CHARACTER}
    if not given:
        return
    text = scene.context.statement.text
    words = (t for t in scan(text) if t.kind in {TokenKind.WORD, TokenKind.QUOTED})
    for written in dict.fromkeys(text[token.start : token.end] for token in words):
        if fold(written) in given and len(_inside(written).encode()) > NAME_LIMIT:
            yield Advice(
                message=f"the server cuts {written} to {fold(written)}",
                instead=f"a name of at most {NAME_LIMIT} bytes",
            )


_LONGEST_CHARACTER = 4
"""Bytes of one character in UTF-8: the cut never splits one."""


def _inside(written: str) -> str:
    return written[1:-1].replace('""', '"') if written.startswith('"') else written


NAME_TOO_LONG = StyleCheck(kind=HazardKind.NAME_TOO_LONG, find=_find)
