"""Takes secrets out of whatever is about to be shown: messages, log events, tracebacks.

Passwords are looked for by their shape (`postgres.passwords`) and by their value, where this process knows
it: from the environment, the command line, or the address that it connects to.
"""

import contextlib
import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit

from migrator.postgres.passwords import MASK, SHAPES, without_passwords

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


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without passwords."""
    text = without_passwords(text)
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
    written = [match["secret"].strip("'") for shape in SHAPES for match in shape.finditer(text)]
    with contextlib.suppress(ValueError):
        written.append(urlsplit(text).password or "")
    return (*written, *map(unquote, written))
