"""Our reading agrees with the server's own grammar: written statements, their mutations, real histories."""

from __future__ import annotations

import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from migrator.errors import SqlSyntaxError
from migrator.sql.grammar import read_command
from migrator.sql.split import Piece, Script, split
from migrator.sql.syntax import Opaque
from tests.sql.oracle import disagreement, postgast, theirs

if TYPE_CHECKING:
    from collections.abc import Iterator

CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.sql"))
HISTORIES = Path(__file__).parents[3] / "shared" / "histories"
MUTATIONS = 6_000
# Inside these a statement is bounded, not read: a syntax error there is the server's to find.
BOUNDED = ("select", "with", "values", "begin", "rule")


def scripts(files: list[Path]) -> Iterator[Script]:
    for file in files:
        yield split(file.read_text(encoding="utf-8"), file=str(file))


def words(script: Script, piece: Piece) -> list[str]:
    return [script.text[token.start : token.end] for token in piece.tokens]


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_every_statement_of_the_corpus_is_read_as_the_server_reads_it(file: Path) -> None:
    (script,) = scripts([file])
    commands = [(piece.text, read_command(script.text, piece.tokens)) for piece in script.pieces]

    assert [text for text, command in commands if isinstance(command, Opaque)] == []
    assert [found for text, command in commands if (found := disagreement(command, theirs(text)))] == []


@pytest.mark.parametrize("file", CORPUS, ids=lambda file: file.stem)
def test_statement_boundaries_are_the_servers(file: Path) -> None:
    (script,) = scripts([file])
    stripped = [split(text, file="-").pieces[0].text for text in postgast.split(script.text)]

    assert [piece.text for piece in script.pieces] == stripped


def mutated(tokens: list[str], vocabulary: list[str], chance: random.Random) -> str:
    tokens = list(tokens)
    for _ in range(chance.choice([1, 1, 1, 2])):
        place = chance.randrange(len(tokens))
        match chance.randrange(4):
            case 0 if len(tokens) > 1:
                del tokens[place]
            case 1:
                tokens.insert(place, tokens[place])
            case 2 if place + 1 < len(tokens):
                tokens[place : place + 2] = tokens[place + 1], tokens[place]
            case 3:
                tokens[place] = chance.choice(vocabulary)
            case _:
                tokens.insert(place, chance.choice(vocabulary))
    return " ".join(tokens)


def test_no_mutated_statement_is_misread() -> None:
    chance = random.Random(20260131)
    originals = [words(script, piece) for script in scripts(CORPUS) for piece in script.pieces]
    vocabulary = [word for tokens in originals for word in tokens]
    misread = []
    for _ in range(MUTATIONS):
        text = mutated(chance.choice(originals), vocabulary, chance)
        try:
            script = split(text, file="-")
        except SqlSyntaxError:
            continue
        for piece in script.pieces[:1] if len(script.pieces) == 1 else ():
            found = disagreement(read_command(text, piece.tokens), theirs(piece.text))
            bounded = any(token.value in BOUNDED for token in piece.tokens)
            if found and not (bounded and "syntax error" in found):
                misread.append((found, text))

    assert misread == []


@pytest.mark.skipif(not HISTORIES.is_dir(), reason="the real migration histories are not here")
def test_real_histories_are_read_without_a_misreading_and_almost_without_opaque_statements(
    capsys: pytest.CaptureFixture[str],
) -> None:
    total, opaque, misread = 0, 0, []
    for script in scripts(sorted(HISTORIES.glob("*/[0-9]*.sql"))):
        for piece in script.pieces:
            command = read_command(script.text, piece.tokens)
            total += 1
            opaque += isinstance(command, Opaque)
            if found := disagreement(command, theirs(piece.text)):
                misread.append((found, piece.text))
    with capsys.disabled():
        print(f"\nreal histories: {total} statements, {opaque} opaque, {len(misread)} misread")  # noqa: T201  # a test reports its counts

    assert misread == []
    assert opaque < total * 0.005
