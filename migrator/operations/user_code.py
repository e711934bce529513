"""Whether a query runs code of the user's: a volatile function that facts know, called by its name.

It may assume the exact text of one statement. Only what stands before a parenthesis is taken for a call; a
function of the server's own name is the server's.
"""

from itertools import pairwise

from migrator.operations.base import Context
from migrator.postgres.identifiers import QualifiedName, fold
from migrator.postgres.volatility import volatility_of
from migrator.sql.tokens import TokenKind, scan

_NAMES = frozenset({TokenKind.WORD, TokenKind.QUOTED})


def user_code(context: Context) -> QualifiedName | None:
    """Return the first volatile function of the user's that the statement calls."""
    known = {f.name.name: f.name for f in context.facts.functions if f.volatility == "v"}
    text = context.statement.text
    for token, following in pairwise(scan(text)):
        if token.kind not in _NAMES or following.value != "(":
            continue
        name = fold(text[token.start : token.end])
        if name in known and volatility_of(name) is None:
            return known[name]
    return None
