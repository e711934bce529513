"""The words of an expression by what they are: functions, types of casts, operators, or else columns.

Works on tokens that our grammar accepted as one expression, so a name before `(` is a call unless a construct
says otherwise. Returns None at anything that this simple reading cannot tell for certain.

Most expressions of migrations are plain: columns, constants, calls and built-in operators with nothing beside
them. There a name that calls nothing and is no type is a column, and no parser has to be asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from migrator.postgres.identifiers import fold
from migrator.sql.cursor import Cursor, NotUnderstood
from migrator.sql.grammar.typenames import type_name
from migrator.sql.keywords import COLUMN_NAME, QUERY_STARTS, RESERVED, VALUE_FUNCTIONS, words
from migrator.sql.tokens import TokenKind

if TYPE_CHECKING:
    from migrator.sql.syntax import TypeName

_BUILT_IN_OPERATORS = words("""
    ! !! !~ !~* !~~ !~~* != # ## #- #> #>> % & && &< &<| &> * + - -> ->> -|- / < <-> << <<= <<| <= <> <@ <^ =
    => > >= >> >>= >^ ? ?# ?& ?- ?-| ?| ?|| @ @-@ @> @? @@ @@@ ^ ^@ | |&> |/ |>> || ||/ ~ ~* ~<=~ ~<~ ~= ~>=~
    ~>~ ~~ ~~*
    """)
_TYPE_WORDS = words("""
    bigint bit boolean char character dec decimal double float int integer interval json national nchar
    numeric real smallint time timestamp varchar
    """)
_CONSTRUCTS = (
    COLUMN_NAME
    - _TYPE_WORDS
    - {"exists", "row", "values", "between", "none", "setof", "inout", "out", "precision"}
)
_CLOCK_WORDS = ("now", "today", "tomorrow", "yesterday", "current")
_CLOCK_TYPES = frozenset({"date", "time", "timetz", "timestamp", "timestamptz", "interval"})
# Words of the grammar that sqlglot does not report as names.
_GRAMMAR_WORDS = words("""
    at between both by day distinct epoch escape exists filter first following for hour ilike in interval is
    isnull last leading like local minute month notnull nulls operator over overlaps partition placing
    preceding range row rows second similar some symmetric time to trailing unbounded unknown values within
    without year zone
    """)


Column = tuple[str | None, str]
"""Qualifier (the last part before the column) and column, folded."""

_LEFT_OF_NAME = frozenset({"(", ",", "and", "or", "not"})
_RIGHT_OF_NAME = frozenset({")", ",", "::", "and", "or", "not", "is", "in"})
_PLAIN_WORDS = frozenset({"and", "or", "not", "is", "null", "true", "false"})
_TRUTHS = frozenset({"null", "true", "false"})


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """The words of an expression."""

    functions: frozenset[str]
    casts: frozenset[str]
    operators: frozenset[str]
    names: frozenset[str]
    """Names that are nothing else, and so must be columns or their qualifiers."""
    optional: frozenset[str]
    """Those of `names` that may be words of the grammar as well, or fields of EXTRACT."""
    has_query: bool
    columns: frozenset[Column] | None
    """The columns of a plain expression; None: more than the words has to be looked at."""


class _Reader:
    def __init__(self, source: Cursor) -> None:
        self.c = Cursor(source.source, source.tokens)
        self.functions: set[str] = set()
        self.casts: set[str] = set()
        self.operators: set[str] = set()
        self.names: set[str] = set()
        self.optional: set[str] = set(_GRAMMAR_WORDS)
        self.has_query = False
        self.known = True
        self.columns: set[Column] = set()
        self.plain = True

    def read(self) -> None:
        c = self.c
        while not c.done:
            kind = c.kind_at()
            if c.value == "::":
                self._cast()
            elif kind in {TokenKind.WORD, TokenKind.QUOTED}:
                self._word()
            else:
                self._other(kind)

    def _other(self, kind: TokenKind | None) -> None:
        if kind is TokenKind.OPERATOR:
            self.operators.add(self.c.value)
            self.known &= self.c.value in _BUILT_IN_OPERATORS
            self.plain &= self.c.value != "=>" and not self._star()
        elif kind is TokenKind.PARAMETER:
            self.known = False
        elif kind is TokenKind.PUNCTUATION:
            self.plain &= self.c.value in {"(", ")", ","}
        self.c.index += 1

    def _star(self) -> bool:
        return self.c.value == "*" and (self.c.index == 0 or self.c.value_at(-1) in {"(", ",", "."})

    def _cast(self) -> None:
        c = self.c
        before = c.index - 1
        literal = c.kind_at(-1) in {TokenKind.STRING, TokenKind.NUMBER} or c.value_at(-1) in {
            "null",
            "true",
            "false",
        }
        c.expect("::")
        self._typed(type_name(c), literal=literal, text=c.text(before))

    def _typed(self, found: TypeName, *, literal: bool, text: str) -> None:
        """A cast of a literal is a constant, but for the words that stand for the current time."""
        if not literal:
            self.casts.add(f"{found.name}{'[]' if found.array else ''}")
        elif found.name.name in _CLOCK_TYPES and any(word in text.lower() for word in _CLOCK_WORDS):
            self.functions.add("now")

    def _word(self) -> None:
        c = self.c
        word = c.value
        if word in QUERY_STARTS and c.value_at(-1) == "(":
            self.has_query = True
        if word == "cast" and c.value_at(1) == "(":
            c.index += 1
        elif word == "as":
            self.plain = False
            c.index += 1
            self._as_type()
        elif word in VALUE_FUNCTIONS:
            self.functions.add(word)
            c.index += 1
        elif word == "operator" and c.value_at(1) == "(":
            self.known = False
            c.index += 1
        elif c.at("at", "time", "zone") or c.at("at", "local"):
            self.functions.add("timezone")
            self.plain = False
            c.index += 1
        elif word in RESERVED or (word == "is" and self._is_test()):
            self.plain &= word in _PLAIN_WORDS or (word == "in" and c.value_at(1) == "(")
            c.index += 1
        else:
            self._name()

    def _is_test(self) -> bool:
        following, last = self.c.value_at(1), self.c.value_at(2)
        return following in _TRUTHS or (following == "not" and last in _TRUTHS)

    def _as_type(self) -> None:
        """The type of CAST; an alias inside a subquery reads the same, and does no harm there."""
        before = self.c.index
        try:
            self._typed(type_name(self.c), literal=False, text="")
        except NotUnderstood:
            self.c.index = before

    def _name(self) -> None:
        c = self.c
        start = c.index
        parts = self._parts()
        following = c.kind_at()
        before = start == 0 or self._is_beside(start - 1, _LEFT_OF_NAME)
        if c.value == "(":
            self.plain &= before
            self._called(parts, start)
        elif following is TokenKind.STRING and c.tokens[start].value not in _GRAMMAR_WORDS - _TYPE_WORDS:
            self._typed_literal(start)
        elif c.tokens[start].value not in _TYPE_WORDS or not self._starts_literal(start):
            self.names.update(parts)
            self.columns.add((parts[-2] if len(parts) > 1 else None, parts[-1]))
            after = c.done or self._is_beside(c.index, _RIGHT_OF_NAME)
            self.plain &= before and after and not self._odd(start)

    def _is_beside(self, index: int, words: frozenset[str]) -> bool:
        token = self.c.tokens[index]
        return token.kind is TokenKind.OPERATOR or token.value in words

    def _odd(self, start: int) -> bool:
        """Whether the name may be a word of the grammar, or is written with escapes."""
        token = self.c.tokens[start]
        escaped = token.kind is TokenKind.QUOTED and self.c.source[token.start] in "uU"
        return escaped or token.value in _GRAMMAR_WORDS | _TYPE_WORDS

    def _parts(self) -> list[str]:
        c = self.c
        parts = [self._take()]
        while c.value == "." and c.kind_at(1) in {TokenKind.WORD, TokenKind.QUOTED}:
            c.index += 1
            parts.append(self._take())
        return parts

    def _take(self) -> str:
        self.c.index += 1
        return fold(self.c.text(self.c.index - 1))

    def _called(self, parts: list[str], start: int) -> None:
        word = self.c.tokens[start].value
        after_bracket = start > 0 and self.c.tokens[start - 1].value == ")"
        if word in _TYPE_WORDS and self._starts_literal(start):
            return
        if word in {"exists", "row", "values", "between"} or (
            word in {"over", "filter", "within"} and after_bracket
        ):
            self.plain = False
            return
        if word in _GRAMMAR_WORDS and word not in _CONSTRUCTS:
            self.known = False
            return
        self.functions.add(".".join(parts))
        if word == "extract" and self.c.kind_at(1) is TokenKind.WORD:
            self.optional.add(self.c.value_at(1))
        elif word in _CONSTRUCTS and word.startswith(("json", "xml")):
            self.known = False

    def _typed_literal(self, start: int) -> None:
        self.c.index = start
        found = type_name(self.c)
        if self.c.kind_at() is not TokenKind.STRING:
            self.known = False
        else:
            self._typed(found, literal=True, text=self.c.text(self.c.index))

    def _starts_literal(self, start: int) -> bool:
        """Whether `timestamp with time zone '…'` begins at that token."""
        c = self.c
        after = c.index
        c.index = start
        try:
            found = type_name(c)
        except NotUnderstood:
            c.index = after
            return False
        if c.kind_at() is not TokenKind.STRING:
            c.index = after
            return False
        self._typed(found, literal=True, text=c.text(c.index))
        return True


def words_of(cursor: Cursor) -> Words | None:
    """Sort the words of an expression that the grammar accepted; None is "do not know"."""
    reader = _Reader(cursor)
    reader.read()
    if not reader.known:
        return None
    return Words(
        functions=frozenset(reader.functions),
        casts=frozenset(reader.casts),
        operators=frozenset(reader.operators),
        names=frozenset(reader.names),
        optional=frozenset(reader.optional),
        has_query=reader.has_query,
        columns=frozenset(reader.columns) if reader.plain and not reader.has_query else None,
    )
