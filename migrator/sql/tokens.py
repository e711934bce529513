"""Text to tokens with exact character offsets, by the rules of PostgreSQL's lexers (`scan.l`, `psqlscan.l`).

Assumes `standard_conforming_strings = on`, which every session sets. Each token's text is
`source[start:end]`, and tokens tile the text except for white space and comments; comments are tokens too,
because directives live there. Fails with `LexError` where a string, quoted name or comment has no end,
and on a backslash outside quotes. Why not sqlglot's tokenizer: docs/decisions/0010-reading-sql.md.
"""

from __future__ import annotations

import enum
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


class TokenKind(enum.IntEnum):
    """What a token is; the lexer alone decides, never the grammar."""

    WORD = 1
    """An identifier or keyword without quotes."""
    QUOTED = 2
    """A quoted identifier, also U&\"…\"."""
    STRING = 3
    """Any string constant: '…', E'…', U&'…', B'…', X'…', N'…', $tag$…$tag$."""
    NUMBER = 4
    """An integer or numeric constant."""
    PARAMETER = 5
    """$1"""
    OPERATOR = 6
    """A run of operator characters."""
    PUNCTUATION = 7
    """One of ( ) [ ] , ; . : and :: := .."""
    COMMENT = 8
    """Never part of a statement's tokens."""
    BAD = 9
    """What the server's lexer would refuse."""


class Token(NamedTuple):
    """A lexeme; `value` is the folded word, the operator or the punctuation, and empty for all others.

    So a comparison with `value` can never take a string or a quoted name for a keyword.
    """

    kind: TokenKind
    start: int
    end: int
    value: str


class LexError(Exception):
    """A place where the text cannot be cut into tokens."""

    def __init__(self, message: str, offset: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.offset = offset
        self.hint = hint


# Two string constants with a line break between them are one (scan.l: quotecontinue).
_CONTINUED = r"(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'"
# Said by what they are not: a class of a million characters takes long to compile, at each start.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_IN_WORD = r"[^\x00-\#%-/:-@\[-^`{-\x7f]"
_IN_TAG = r"[^\x00-/:-@\[-^`{-\x7f]"
_INTEGER = r"[0-9](?:_?[0-9])*"
# Possessive, so that a string without an end is never cut at one of its inner quotes and read as two.
_PLAIN = rf"'(?:[^']+|'')*+'(?:{_CONTINUED}(?:[^']+|'')*+')*+(?!{_CONTINUED})"
_ESCAPED = rf"'(?:[^'\\]+|''|\\.)*+'(?:{_CONTINUED}(?:[^'\\]+|''|\\.)*+')*+(?!{_CONTINUED})"

_LEXEME = re.compile(
    rf"""
    (?P<space>[ \t\n\r\f\v]+)
  | (?P<line>--[^\n\r]*)
  | (?P<block>/\*)
  | (?P<string>[eE]{_ESCAPED}|(?:[uU]&|[bBxXnN])?{_PLAIN})
  | (?P<quoted>(?:[uU]&)?"(?:[^"]+|"")*+")
  | (?P<word>{_LETTER}{_IN_WORD}*)
  | (?P<number>(?:0[xX](?:_?[0-9A-Fa-f])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+
      |(?:{_INTEGER}(?:\.(?!\.)(?:{_INTEGER})?)?|\.{_INTEGER})(?:[eE][-+]?{_INTEGER})?))
  | (?P<dollar>\$(?:{_LETTER}{_IN_TAG}*)?\$)
  | (?P<parameter>\$[0-9]+)
  | (?P<punctuation>::|:=|\.\.|[()\[\],;.:])
  | (?P<operator>(?:(?!--|/\*)[~!@\#^&|`?+\-*/%<>=])+)
  | (?P<open>['"])
  | (?P<backslash>\\)
  | (?P<bad>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_BLOCK_EDGE = re.compile(r"/\*|\*/")
_JUNK = re.compile(_LETTER)
# A word directly before a quote is one of these only where the string did not match: it has no end.
_STRING_PREFIXES = frozenset("eEbBxXnN")
_KEEPS_SIGN = frozenset("~!@#^&|`?%")
_KINDS = {
    "word": TokenKind.WORD,
    "quoted": TokenKind.QUOTED,
    "string": TokenKind.STRING,
    "number": TokenKind.NUMBER,
    "parameter": TokenKind.PARAMETER,
    "punctuation": TokenKind.PUNCTUATION,
    "operator": TokenKind.OPERATOR,
    "line": TokenKind.COMMENT,
    "bad": TokenKind.BAD,
}


def scan(text: str) -> Iterator[Token]:
    """Yield the tokens of `text`, comments included; a byte order mark at the very start is white space."""
    position = 1 if text.startswith("\ufeff") else 0
    end = len(text)
    match_at = _LEXEME.match
    word = TokenKind.WORD
    while position < end:
        found = match_at(text, position)
        assert found is not None  # noqa: S101  # the last alternative matches any character
        group = found.lastgroup or "bad"
        start, position = position, found.end()
        if group == "space":
            continue
        if group == "word":
            if text.startswith("'", position) and found.group() in _STRING_PREFIXES:
                raise LexError("a string is not closed", start)
            yield Token(word, start, position, fold_ascii(found.group()))
        else:
            token = _token(text, group, start, position)
            position = token.end
            yield token


def fold_ascii(word: str) -> str:
    """Lower-case the ASCII letters only, as the server folds keywords and, in UTF-8, identifiers."""
    return word.lower() if word.isascii() else "".join(c.lower() if c.isascii() else c for c in word)


def _token(text: str, group: str, start: int, end: int) -> Token:
    match group:
        case "block":
            return Token(TokenKind.COMMENT, start, _block_end(text, start), "")
        case "dollar":
            return Token(TokenKind.STRING, start, _dollar_end(text, start, end), "")
        case "operator":
            end = _operator_end(text, start, end)
            return Token(TokenKind.OPERATOR, start, end, text[start:end])
        case "punctuation":
            return Token(TokenKind.PUNCTUATION, start, end, text[start:end])
        case "number" | "parameter" if _JUNK.match(text, end):
            return Token(TokenKind.BAD, start, end, "")
        case "open":
            quoted = text[start] == '"'
            raise LexError("a quoted identifier is not closed" if quoted else "a string is not closed", start)
        case "backslash":
            raise LexError(
                "a backslash command is not SQL",
                start,
                "psql's own commands, such as \\i, cannot stand in a migration; write their SQL instead",
            )
        case _:
            return Token(_KINDS[group], start, end, "")


def _block_end(text: str, start: int) -> int:
    """Return the end of a comment that may hold further ones (manual: "Comments")."""
    depth = 0
    for edge in _BLOCK_EDGE.finditer(text, start):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise LexError("a comment is not closed", start)


def _dollar_end(text: str, start: int, end: int) -> int:
    tag = text[start:end]
    close = text.find(tag, end)
    if close < 0:
        raise LexError(f"a dollar-quoted string {tag} is not closed", start)
    return close + len(tag)


def _operator_end(text: str, start: int, end: int) -> int:
    """An operator ends in + or - only where it holds one of ~ ! @ # ^ & | ` ? % (manual: "Operators")."""
    if not _KEEPS_SIGN.isdisjoint(text[start:end]):
        return end
    while end - start > 1 and text[end - 1] in "+-":
        end -= 1
    return end
