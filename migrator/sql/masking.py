r"""A statement without its constants, for those who may see what runs and not with which values.

By the rules of our own lexer. What it cannot cut into tokens (a statement that was cut short inside a
string) is masked from there on, and so is what follows a backslash in '…', which ends elsewhere where
standard_conforming_strings is off: rather too much than too little. Never fails.
"""

from migrator.sql.tokens import LexError, Token, TokenKind, scan

MASK = "?"

_HIDDEN = frozenset({TokenKind.STRING, TokenKind.NUMBER, TokenKind.BAD})


def masked(text: str) -> str:
    """Return `text` with `?` for strings of all kinds and numbers, and without comments."""
    parts: list[str] = []
    position = 0
    try:
        for token in scan(text):
            parts.append(text[position : token.start])
            position = token.end
            if _may_end_elsewhere(text, token):
                return "".join([*parts, MASK])
            parts.append(_shown(text, token))
    except LexError as error:
        return "".join([*parts, text[position : max(position, error.offset)], MASK])
    return "".join(parts) + text[position:]


def _shown(text: str, token: Token) -> str:
    if token.kind in _HIDDEN:
        return MASK
    return " " if token.kind is TokenKind.COMMENT else text[token.start : token.end]


def _may_end_elsewhere(text: str, token: Token) -> bool:
    string = text[token.start : token.end]
    return token.kind is TokenKind.STRING and string.startswith("'") and "\\" in string
