"""Expressions that are read without a parser's help have the columns that the server's grammar sees."""

from __future__ import annotations

import random
import re
from typing import TYPE_CHECKING

import pytest

from migrator.sql.cursor import Cursor, NotUnderstood
from migrator.sql.expression_words import Column, words_of
from migrator.sql.grammar.expression import expression
from migrator.sql.keywords import words
from migrator.sql.tokens import LexError, TokenKind, scan
from tests.sql.oracle import Message, postgast
from tests.sql.test_oracle import CORPUS, HISTORIES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MUTATIONS = 20_000
WORDS = sorted(
    words("""
    a b "C" t.a s.t.b U&"d" timestamp name value day key within over filter + - * = <> || => :: ( ) , . [ ] 1
    2.5 'x' E'y' null true false and or not is in between like similar to as any array case when then else end
    collate distinct from at time zone interval text bigint lower coalesce count now current_date for
    uescape json normalized variadic order by unknown isnull notnull escape symmetric row exists cast
    """)
)
PARENTHESISED = re.compile(r"\(([^()]*(?:\([^()]*\)[^()]*)*)\)")
EVERYDAY = (
    "lower(a)",
    "length(t.name) < 3 and b is not null",
    "status in ('x', 'y') or \"Odd\" = 1",
    "now() - interval '1 day'",
    "'{}'::jsonb",
    "coalesce(a, b)::numeric(10, 2) * 2",
    "(a, b) = (1, 2)",
    "s.t.c || 'x'",
    "current_timestamp(3)",
)
OTHERS = (
    "f(x => a)",
    "(a).b",
    "a[1]",
    "t.*",
    "count(*)",
    'a collate "C"',
    "a is normalized",
    "a is json",
    "sum(a) over w",
    "count(a) filter (where b)",
    "extract(year from a)",
    "a between b and c",
    "a at time zone 'UTC'",
    "a is distinct from b",
    "exists (select 1)",
    "a = any (b)",
    "cast(a as int)",
    'U&"d\\0061t"',
    "interval '1' day",
)


def plain_columns(text: str) -> frozenset[Column] | None:
    """What is read without a parser; None where nothing is."""
    try:
        tokens = tuple(token for token in scan(text) if token.kind is not TokenKind.COMMENT)
        found = words_of(Cursor(text, tokens)) if tokens and is_expression(Cursor(text, tokens)) else None
    except (LexError, NotUnderstood):
        return None
    return None if found is None else found.columns


def is_expression(cursor: Cursor) -> bool:
    expression(cursor)
    return cursor.done


def servers_columns(text: str) -> frozenset[Column] | str | None:
    """The columns that the server's grammar sees; what else there is to be said; None for an error."""
    try:
        parsed = postgast.parse(f"SELECT (\n{text}\n)")
    except postgast.PgQueryError:
        return None
    (target,) = parsed.stmts[0].stmt.select_stmt.target_list
    nodes = list(nodes_of(target.res_target.val))
    kinds = {type(node).__name__ for node in nodes}
    if found := kinds & {"SubLink", "A_Star", "WindowDef", "A_Indirection", "CollateClause"}:
        return ", ".join(sorted(found))
    return frozenset(column(node) for node in nodes if type(node).__name__ == "ColumnRef")


def nodes_of(node: Message) -> Iterator[Message]:
    """Without the modifiers of types: a name there is no column."""
    yield node
    if type(node).__name__ == "TypeName":
        return
    for field, value in node.ListFields():
        if field.message_type is not None:
            repeated = not hasattr(value, "ListFields")
            for child in value if repeated else (value,):
                yield from nodes_of(child)


def column(node: Message) -> Column:
    names = [part.string.sval for part in node.fields]
    return (names[-2] if len(names) > 1 else None), names[-1]


def written(files: list[Path]) -> list[str]:
    """Whatever stands in parentheses: expressions, lists of them, and much else."""
    return sorted(
        {text for file in files for text in PARENTHESISED.findall(file.read_text(encoding="utf-8"))}
    )


def differences(texts: Iterator[str] | list[str]) -> tuple[int, list[object]]:
    """How many were plain, and those that are not what the server sees."""
    plain = {text: found for text in texts if (found := plain_columns(text)) is not None}
    seen = {text: servers_columns(text) for text in plain}
    return len(plain), [(t, plain[t], s) for t, s in seen.items() if s is not None and s != plain[t]]


def mutations(texts: list[str]) -> Iterator[str]:
    """Texts with a word put in, put in another's place, or taken out."""
    chance = random.Random(20261123)
    pieces = [[text[token.start : token.end] for token in scan(text)] for text in texts]
    for _ in range(MUTATIONS):
        tokens = list(chance.choice(pieces))
        for _ in range(chance.choice([1, 1, 2])):
            place = chance.randrange(len(tokens) + 1)
            tokens[place : place + chance.choice([0, 1, 1])] = [chance.choice(WORDS)] * chance.choice(
                [0, 1, 1]
            )
        yield " ".join(tokens)


@pytest.mark.parametrize("text", EVERYDAY)
def test_everyday_expressions_are_plain(text: str) -> None:
    assert plain_columns(text) == servers_columns(text) is not None


@pytest.mark.parametrize("text", OTHERS)
def test_others_are_left_to_a_parser(text: str) -> None:
    assert plain_columns(text) is None


def test_the_corpus_and_its_mutations() -> None:
    texts = written(CORPUS)
    plain, wrong = differences(texts)
    mutated, mistaken = differences(mutations([*EVERYDAY, *OTHERS, *texts]))

    assert (wrong, mistaken) == ([], [])
    assert plain > 20
    assert mutated > 300


def test_real_histories() -> None:
    if not HISTORIES.is_dir():
        pytest.skip(f"no histories at {HISTORIES}")
    plain, wrong = differences(written(sorted(HISTORIES.rglob("*.sql"))))

    assert wrong == []
    assert plain > 500
