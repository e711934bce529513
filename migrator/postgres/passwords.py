"""Passwords in text, known by their shape: of a URL, of `password=…`, and as SQL writes them.

Whoever shows text of others (a server, a file, another session) takes them out. Too much is taken out rather
than too little. Pure.
"""

import re

MASK = "***"

SHAPES = (
    re.compile(r"(?P<before>\w[\w+.-]*://[^\s:/@]*:)(?P<secret>[^\s/]*)(?=@)"),
    re.compile(
        r"(?P<before>\b(?:ssl)?password\s*=\s*)(?P<secret>'(?:[^'\\]|\\.)*'|[^\s&'\"](?:(?:\\.|[^\s&])*[^\s&'\"),;}\]])?)",
        re.IGNORECASE,
    ),
    # Not as libpq reads it, but as somebody may have written it.
    re.compile(r"(?P<before>\bpostgres(?:ql)?://[^\s:/@]*:)(?P<secret>[^\s@]*)(?=@)"),
)

_SQL = re.compile(
    r"(?P<before>\bpassword\"?\s+(?:[eun]&?)?)"
    r"(?:'(?:''|\\.|[^'\\\n])*(?:'|$)"
    r"|&\#x27;(?:&\#x27;&\#x27;|(?!&\#x27;).)*(?:&\#x27;|$)"
    r"|(?P<tag>\$\w*\$).*?(?:(?P=tag)|$))",
    re.IGNORECASE | re.MULTILINE,
)
"""A password as SQL writes it: of a role, or an option of a user mapping; also where the line was cut, and in
HTML."""

_IN_CONNECTION = re.compile(
    r"(?P<before>\bconnection\s+(?:'|&\#x27;)[^'\n]*?(?:\bpassword\s*=\s*|://[^\s:/@']*:))(?P<secret>[^\s'&@]+)",
    re.IGNORECASE,
)
"""`CREATE SUBSCRIPTION … CONNECTION 'host=… password=…'`; elsewhere `password = …` is a column."""


_WHOLE = re.compile(r"(?P<before>\bpassword\s+(?:[eEnN]|[uU]&)?)'(?:[^'\\]|''|\\.)*(?:'|$)", re.IGNORECASE)
"""In a statement by itself, where a string may go over lines; one that was cut ends with the text."""


def without_passwords(text: str) -> str:
    """Return `text` without passwords of any shape."""
    for shape in SHAPES:
        text = shape.sub(_masked, text)
    return _SQL.sub(_as_literal, text)


def sql_without_passwords(text: str) -> str:
    """Return SQL, or a report with SQL in it, without the passwords that it sets.

    There `password = …` is a column, unless it stands in a connection string.
    """
    folded = text.casefold()  # looking for words is much faster than for patterns, and a report is long
    if "password" in folded:
        text = _SQL.sub(_as_literal, text)
    if "connection" in folded:
        text = _IN_CONNECTION.sub(_masked, text)
    return SHAPES[0].sub(_masked, text) if "://" in text else text


def statement_without_passwords(text: str) -> str:
    """Return one statement, whole or cut short, without passwords of any shape."""
    return without_passwords(_WHOLE.sub(_as_literal, text))


def _masked(found: re.Match[str]) -> str:
    return found["before"] + MASK


def _as_literal(found: re.Match[str]) -> str:
    return f"{found['before']}'{MASK}'"
