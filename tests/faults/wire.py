"""The frontend/backend protocol as far as a proxy needs it: where a message ends, and what a client asks for.

Manual, "Frontend/Backend Protocol". Messages are passed on as they are; nothing is judged but their kind.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

CANCEL_REQUEST = 80877102
FLUSH = b"H\x00\x00\x00\x04"

QUERY, PARSE, BIND, DESCRIBE, EXECUTE, SYNC = b"Q", b"P", b"B", b"D", b"E", b"S"
READY, ERROR = b"Z", b"E"

BOUNDARIES = frozenset({QUERY, EXECUTE, SYNC})
"""What the server acts on; the others prepare it."""

EXECUTED = frozenset({b"C", b"I", b"s", ERROR})
"""How the answer to Execute ends."""

ANSWERED_ONCE = frozenset({PARSE, BIND, DESCRIBE, b"C"})
"""Each has one answer, which the server keeps back until Flush or Sync."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message with its kind and length, as it was on the wire."""

    kind: bytes
    data: bytes


class Buffer:
    """Bytes as they arrive, handed out message by message."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> None:
        self._bytes += data

    def startup(self) -> bytes | None:
        """The first message of a client, which has no kind."""
        return self._take(0)

    def messages(self) -> Iterator[Message]:
        while (data := self._take(1)) is not None:
            yield Message(data[:1], data)

    def next(self) -> Message | None:
        data = self._take(1)
        return None if data is None else Message(data[:1], data)

    def _take(self, before: int) -> bytes | None:
        """A whole message whose length stands after so many bytes."""
        if len(self._bytes) < before + 4:
            return None
        (length,) = struct.unpack_from("!I", self._bytes, before)
        if len(self._bytes) < before + length:
            return None
        data = bytes(self._bytes[: before + length])
        del self._bytes[: before + length]
        return data


def startup_code(data: bytes) -> int:
    return int(struct.unpack_from("!I", data, 4)[0])


def query(text: str) -> bytes:
    """A simple Query."""
    return _message(QUERY, text.encode() + b"\0")


def named(text: str) -> bytes:
    """Parse, Bind, Execute and Flush under a name of its own, within what the client has begun."""
    name = b"injected\0"
    return (
        _message(PARSE, name + text.encode() + b"\0" + struct.pack("!H", 0))
        + _message(BIND, name + name + struct.pack("!HHH", 0, 0, 0))
        + _message(EXECUTE, name + struct.pack("!I", 0))
        + FLUSH
    )


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


@dataclass(slots=True)
class Texts:
    """What a client has prepared: the text behind an Execute."""

    _statements: dict[bytes, str] = field(default_factory=dict)
    _portals: dict[bytes, str] = field(default_factory=dict)

    def note(self, message: Message) -> None:
        parts = message.data[5:].split(b"\0", 2)
        if message.kind == PARSE:
            self._statements[parts[0]] = parts[1].decode(errors="replace")
        elif message.kind == BIND:
            self._portals[parts[0]] = self._statements.get(parts[1], "")

    def of(self, message: Message) -> str:
        """The text that a boundary carries out; of Sync there is none."""
        first = message.data[5:].split(b"\0", 1)[0]
        if message.kind == QUERY:
            return " ".join(first.decode(errors="replace").split())
        return " ".join(self._portals.get(first, "").split()) if message.kind == EXECUTE else "sync"
