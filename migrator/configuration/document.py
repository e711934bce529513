"""A TOML file of settings, with the places of its keys for messages.

The standard library's parser tells no positions, so keys are looked for again, line by line; where that finds
nothing (a key in an inline table) the message names the file and the key's whole path. Fails with
ConfigurationError.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from migrator.errors import ConfigurationError, Location

if TYPE_CHECKING:
    from collections.abc import Iterator

KeyPath = tuple[str, ...]

_NAME = r"(?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')"
_PATH = rf"{_NAME}(?:[ \t]*\.[ \t]*{_NAME})*"
_TABLE = re.compile(rf"[ \t]*\[(?P<each>\[)?[ \t]*(?P<path>{_PATH})[ \t]*\]")
_KEY = re.compile(rf"(?P<indent>[ \t]*)(?P<path>{_PATH})[ \t]*=")
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says; empty where there is no file."""

    path: Path | None = None
    values: dict[str, Any] = msgspec.field(default_factory=dict)
    places: dict[KeyPath, Location] = msgspec.field(default_factory=dict)

    def error(self, message: str, key: KeyPath, *, hint: str | None = None) -> ConfigurationError:
        """Return the error for one key, with its place, or that of what holds it, where that is known."""
        place = self.place(key)
        prefix = "" if place or not self.path else f"{self.path}: {'.'.join(key)}: "
        return ConfigurationError(prefix + message, at=place, hint=hint)

    def place(self, key: KeyPath) -> Location | None:
        """Return where the key stands, or the nearest table or key that holds it."""
        return next((self.places[key[:n]] for n in range(len(key), 0, -1) if key[:n] in self.places), None)


def read(path: Path) -> Document:
    """Read migrate.toml, or the table [tool.migrate] of a pyproject.toml."""
    try:
        text = path.read_text(encoding="utf-8")
        values = tomllib.loads(text)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise _syntax_error(path, str(error)) from error
    prefix = ("tool", "migrate") if path.name == "pyproject.toml" else ()
    for name in prefix:
        values = values.get(name, {})
    places = {key[len(prefix) :]: at for key, at in _places(text, str(path)) if key[: len(prefix)] == prefix}
    return Document(path=path, values=values, places=places)


def _syntax_error(path: Path, message: str) -> ConfigurationError:
    found = _PLACE.search(message)
    if found is None:
        return ConfigurationError(f"{path}: {message}")
    at = Location(file=str(path), line=int(found[1]), column=int(found[2]))
    return ConfigurationError(message[: found.start()], at=at)


def _places(text: str, file: str) -> Iterator[tuple[KeyPath, Location]]:
    table: KeyPath = ()
    entries: Counter[KeyPath] = Counter()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _TABLE.match(line):
            table = _names(header["path"])
            if header["each"]:  # one more of an array of tables, whose number takes the place of a key
                name = table
                if not entries[name]:
                    yield name, Location(file=file, line=number, column=header.start("path") + 1)
                table = (*name, str(entries[name]))
                entries[name] += 1
            yield table, Location(file=file, line=number, column=header.start("path") + 1)
        elif key := _KEY.match(line):
            at = Location(file=file, line=number, column=key.start("path") + 1)
            yield (*table, *_names(key["path"])), at


def _names(path: str) -> KeyPath:
    return tuple(name.strip("\"'") for name in re.findall(_NAME, path))
