"""The checksum of a statement: SHA-256 over its tokens, so that comments and white space do not count.

Words are folded and quoted names are unquoted where that names the same thing; constants count as written.
Each token is preceded by its kind and its length, so that no two statements are the same bytes.
"""

from __future__ import annotations

import hashlib

from migrator.sql.keywords import COLUMN_NAME, RESERVED, TYPE_FUNCTION_NAME
from migrator.sql.tokens import Token, TokenKind, fold_ascii

_SPECIAL = RESERVED | COLUMN_NAME | TYPE_FUNCTION_NAME


def checksum(source: str, tokens: tuple[Token, ...]) -> str:
    """Return the hexadecimal digest over the tokens of a statement."""
    digest = hashlib.sha256()
    for token in tokens:
        kind, text = _normal(source, token)
        data = text.encode("utf-8", "surrogatepass")
        digest.update(b"%c%d:" % (kind, len(data)))
        digest.update(data)
    return digest.hexdigest()


def _normal(source: str, token: Token) -> tuple[bytes, str]:
    if token.kind is TokenKind.WORD:
        return b"w", token.value
    text = source[token.start : token.end]
    if token.kind is TokenKind.QUOTED and text[0] == '"':
        name = text[1:-1].replace('""', '"')
        # A quoted keyword is another token than the keyword; "varchar" is another type than varchar.
        return (b"q" if name in _SPECIAL or not _is_plain(name) else b"w"), name
    return (b"s" if token.kind is TokenKind.STRING else b"o"), text


def _is_plain(name: str) -> bool:
    return (
        name != "" and name == fold_ascii(name) and name.replace("$", "_").isidentifier() and name[0] != "$"
    )
