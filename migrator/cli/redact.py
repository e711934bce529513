"""Takes secrets out of whatever is about to be shown: messages, log events, tracebacks.

Passwords are looked for by their shape (a URL's, `password=…`) and by their value, where this process knows
it from the environment or the command line. Too much is taken out rather than too little.
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


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without passwords."""
    for shape in _SHAPES:
        text = shape.sub(lambda found: found["before"] + MASK, text)
    for secret in secrets:
        text = text.replace(secret, MASK)
    return text


def known_secrets(environment: Mapping[str, str], arguments: Iterable[str]) -> tuple[str, ...]:
    """Return the passwords that stand in the environment or on the command line, as written and as meant."""
    found = [environment.get("PGPASSWORD", "")]
    for text in (environment.get("DATABASE_URL", ""), *arguments):
        found.extend(_passwords(text.removeprefix("--database=")))
    return tuple(sorted({secret for secret in found if secret}, key=len, reverse=True))


def _passwords(text: str) -> tuple[str, ...]:
    written = [match["secret"].strip("'") for shape in _SHAPES for match in shape.finditer(text)]
    with contextlib.suppress(ValueError):
        written.append(urlsplit(text).password or "")
    return (*written, *map(unquote, written))
