"""Takes secrets out of whatever is about to be shown: messages, log events, tracebacks.

Passwords are looked for by their shape (a URL's, `password=…`, SQL's `PASSWORD '…'`) and by their value,
where this process knows it: from the environment, the command line, or the address that it connects to. Too
much is taken out rather than too little.
"""

import contextlib
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

MASK = "***"

_SHAPES = (
    re.compile(r"(?P<before>\w[\w+.-]*://[^\s:/@]*:)(?P<secret>[^\s/]*)(?=@)"),
    re.compile(
        r"(?P<before>\b(?:ssl)?password\s*=\s*)(?P<secret>'(?:[^'\\]|\\.)*'|[^\s&'\"]+)", re.IGNORECASE
    ),
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

_LONG = 8
"""A secret of so many characters is no part of a word by chance."""

_learned: set[str] = set()


def learn(conninfo: str) -> None:
    """Remember the passwords of a connection string; they are taken out of everything from then on."""
    found = _passwords(conninfo)
    meant = (re.sub(r"\\(.)", r"\1", each) for each in found)  # libpq's own escapes
    _learned.update(secret for secret in (*found, *meant) if secret)


def forget() -> None:
    """Forget what was learnt: another command begins."""
    _learned.clear()


def redact_sql(text: str) -> str:
    """Return SQL, or a report with SQL in it, without the passwords that it sets."""
    text = _SQL.sub(lambda found: f"{found['before']}'{MASK}'", text)
    return _SHAPES[0].sub(_masked, _IN_CONNECTION.sub(_masked, text))


_IN_CONNECTION = re.compile(
    r"(?P<before>\bconnection\s+(?:'|&\#x27;)[^'\n]*?(?:\bpassword\s*=\s*|://[^\s:/@']*:))(?P<secret>[^\s'&@]+)",
    re.IGNORECASE,
)
"""`CREATE SUBSCRIPTION … CONNECTION 'host=… password=…'`; elsewhere `password = …` is a column."""


def _masked(found: re.Match[str]) -> str:
    return found["before"] + MASK


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without passwords."""
    for shape in _SHAPES:
        text = shape.sub(_masked, text)
    text = _SQL.sub(lambda found: f"{found['before']}'{MASK}'", text)
    for secret in sorted({*secrets, *_learned}, key=len, reverse=True):
        text = text.replace(secret, MASK) if len(secret) >= _LONG else _without_word(text, secret)
    return text


def _without_word(text: str, secret: str) -> str:
    """Take out a short secret where it stands alone: blanked inside of words it could be read from them."""
    return re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", lambda _: MASK, text)


def known_secrets(environment: Mapping[str, str], arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the passwords that stand in the environment or on the command line, as written and as meant."""
    found = [environment.get("PGPASSWORD", "")]
    for text in (environment.get("DATABASE_URL", ""), environment.get("MIGRATE_DATABASE", ""), *arguments):
        found.extend(_passwords(text.removeprefix("--database=")))
    return tuple(sorted({secret for secret in found if secret}, key=len, reverse=True))


def _passwords(text: str) -> tuple[str, ...]:
    written = [match["secret"].strip("'") for shape in _SHAPES for match in shape.finditer(text)]
    with contextlib.suppress(ValueError):
        written.append(urlsplit(text).password or "")
    return (*written, *map(unquote, written))
