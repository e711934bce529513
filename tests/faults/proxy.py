"""A proxy on 127.0.0.1 in front of a server, which goes statement by statement and may fail at any of them.

Each Query, Execute and Sync of a client is a boundary with a number. It is sent on only when the server has
carried out everything before it (after Execute the proxy asks with Flush), and its answer is held back until
the server has given all of it: so a fault can come before it, while the server is at it, or after it, when
the server is done and the client does not know. One thread for each connection.
"""

import contextlib
import enum
import re
import select
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.faults import wire
from tests.faults.wire import Buffer, Message, Texts
from tests.waiting import until

LISTEN = "127.0.0.1"

_HARMLESS = re.compile(r"SELECT(?!.*(advisory|terminate))|SET |BEGIN|RESET |SHOW ", re.IGNORECASE)
"""What only reads, sets or begins."""

_POLLS = re.compile(
    r"SELECT EXISTS \(SELECT FROM pg_stat_activity|pg_stat_progress|waits_for = \$|pg_blocking_pids"
)
"""What a run asks while it waits for something."""

_SLICE_S = 0.05
"""So often a thread that waits for the server looks whether the client is still there."""


class Position(enum.StrEnum):
    """Where in the life of a boundary."""

    BEFORE = "before it is sent on"
    DURING = "sent on, not answered yet"
    AFTER = "answered, the answer is held back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Boundary:
    """One thing that a client asks of the server."""

    number: int
    link: int
    """The number of its connection."""
    kind: bytes
    text: str
    ready: bool
    """The server will be ready for the next query after it: the client waits for its answer."""
    block: bool
    """In a transaction block, before it."""
    occurrence: int
    """How often that link has asked the same, with this time."""
    first: bool
    """The client has had the answers to everything before it."""
    acts: bool
    """It does more than to read, to set something or to begin; Sync where it commits what did."""

    def same(self, other: "Boundary") -> bool:
        """Whether it is the other one, in another run; numbers move where a run asks again and again."""
        return (self.link, self.kind, self.text, self.occurrence) == (
            other.link,
            other.kind,
            other.text,
            other.occurrence,
        )

    @property
    def asks_again(self) -> bool:
        """It is asked until the answer is another: in one run once, in another often."""
        return _POLLS.search(self.text) is not None and self.occurrence > 1

    @property
    def commits(self) -> bool:
        """It may make something permanent."""
        return self.text.startswith("COMMIT") or (self.ready and not self.block)


class Ended(Exception):
    """One side has closed the connection, or the proxy is to."""


class Fate(enum.Enum):
    """What becomes of a connection."""

    PASSED_ON = "every message is passed on"
    CUT = "reset, on both sides"
    SILENT = "kept open, and nothing is passed on any more"


Gate = Callable[["Link", Boundary, Position], None]


class Link:
    """One connection of a client, and the proxy's own to the server."""

    def __init__(self, proxy: "Proxy", client: socket.socket, number: int) -> None:
        self.proxy, self.client, self.number = proxy, client, number
        self.server = proxy.upstream()
        self.fate = Fate.PASSED_ON
        self._texts, self._asked, self._said = Texts(), Buffer(), Buffer()
        self._block = self._open = self._failed = self._acted = False
        self._first = True
        self._last = ""
        self._asked_before: Counter[str] = Counter()
        self._pending = 0
        self._held = bytearray()

    def run(self) -> None:
        with contextlib.suppress(Ended, OSError):
            if self._greet():
                self._serve() if self.proxy.strict else self._relay()
        if self.fate is Fate.SILENT:
            self.proxy.over.wait()
        for side in (self.client, self.server):
            if self.fate is Fate.CUT and side.family == socket.AF_INET:
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            side.close()

    def inject(self, text: str) -> None:
        """Have the server carry out something of ours before the boundary."""
        if self._failed:
            return
        if not self._open:
            self.server.sendall(wire.query(text))
            self._until(lambda message: message.kind == wire.READY)
            return
        if self._pending:
            self.server.sendall(wire.FLUSH)
            self._held += self._counted(self._pending)
            self._pending = 0
        self.server.sendall(wire.named(text))
        self._until(lambda message: message.kind in wire.EXECUTED)

    # --- the beginning

    def _greet(self) -> bool:
        """Pass the startup on until the server is ready; false for a request to cancel."""
        while (first := self._asked.startup()) is None:
            self._asked.feed(_received(self.client))
        self.server.sendall(first)
        if wire.startup_code(first) == wire.CANCEL_REQUEST:
            with contextlib.suppress(Ended):
                _received(self.server)
            return False
        while True:
            readable = self._readable()
            if self.client in readable:
                self.server.sendall(_received(self.client))
            if self.server in readable:
                data = _received(self.server)
                self.client.sendall(data)
                self._said.feed(data)
                if any(message.kind == wire.READY for message in self._said.messages()):
                    return True

    def _relay(self) -> None:
        """Pass everything on as it comes."""
        while True:
            for side in self._readable():
                other = self.server if side is self.client else self.client
                other.sendall(_received(side))

    # --- statement by statement

    def _serve(self) -> None:
        while True:
            while (message := self._asked.next()) is not None:
                self._texts.note(message)
                if message.kind in wire.BOUNDARIES:
                    self._pass(message)
                else:
                    self._prepare(message)
            readable = self._readable()
            if self.server in readable:
                self._tell()
            if self.client in readable:
                self._asked.feed(_received(self.client))

    def _tell(self) -> None:
        """Pass on what the server says unasked: that it ends the session."""
        data = _received(self.server)
        self.client.sendall(data)

    def _prepare(self, message: Message) -> None:
        if message.kind in wire.ANSWERED_ONCE and not self._failed:
            self._pending += 1
            self._open = True
        self.server.sendall(message.data)

    def _pass(self, message: Message) -> None:
        """Carry one boundary over, with its gate before, during and after."""
        ready = message.kind in {wire.QUERY, wire.SYNC}
        text = self._texts.of(message)
        text = f"sync after {self._last}" if message.kind == wire.SYNC else text
        self._last = text
        self._asked_before[text] += 1
        boundary = Boundary(
            number=self.proxy.count(),
            link=self.number,
            kind=message.kind,
            text=text,
            occurrence=self._asked_before[text],
            ready=ready,
            block=self._block,
            first=self._first,
            acts=self._acts(message),
        )
        self._acted = self._acted and not ready
        self._first = ready
        self._gate(boundary, Position.BEFORE)
        self.server.sendall(message.data if ready else message.data + wire.FLUSH)
        self._gate(boundary, Position.DURING)
        self._held += self._answer(ready=ready)
        self._gate(boundary, Position.AFTER)
        self.client.sendall(self._held)
        self._held.clear()

    def _acts(self, message: Message) -> bool:
        """Whether the server does something then; a Sync ends what was done before it, outside a block."""
        if message.kind == wire.SYNC:
            return self._acted and not self._block
        acts = not _HARMLESS.match(self._texts.of(message))
        self._acted = self._acted or acts
        return acts

    def _gate(self, boundary: Boundary, position: Position) -> None:
        self.proxy.gate(self, boundary, position)
        self._check()

    def _check(self) -> None:
        if self.fate is not Fate.PASSED_ON or self.proxy.over.is_set():
            raise Ended

    def _readable(self) -> list[socket.socket]:
        """Wait until a side has something to say."""
        while True:
            self._check()
            readable, _, _ = select.select([self.client, self.server], [], [], _SLICE_S)
            if readable:
                return readable

    def _answer(self, *, ready: bool) -> bytes:
        if not ready and self._failed:  # skipped, as all is until Sync
            return b""
        self._pending = 0
        answer = self._until(lambda message: self._ends(message, ready=ready))
        if ready:
            self._open = self._failed = False
        return answer

    def _ends(self, message: Message, *, ready: bool) -> bool:
        if message.kind == wire.READY:
            self._block = message.data[5:6] != b"I"
        elif message.kind == wire.ERROR:
            self._failed = True
        elif message.kind == b"C" and not ready:
            self._note_block(message)
        return message.kind == wire.READY if ready else message.kind in wire.EXECUTED

    def _note_block(self, message: Message) -> None:
        """What a pipeline begins and ends shows in its tags alone."""
        tag = message.data[5:].rstrip(b"\0")
        self._block = tag == b"BEGIN" or (self._block and tag not in {b"COMMIT", b"ROLLBACK"})

    def _until(self, ends: Callable[[Message], bool]) -> bytes:
        """Everything that the server says up to that message; where it says no more, what it said last."""
        found = bytearray()
        while True:
            while (message := self._said.next()) is not None:
                found += message.data
                if ends(message):
                    return bytes(found)
            try:
                self._said.feed(self._from_server())
            except Ended:
                with contextlib.suppress(OSError):
                    self.client.sendall(self._held + found)
                raise

    def _counted(self, number: int) -> bytes:
        found = bytearray()
        for _ in range(number):
            found += self._until(lambda _: True)
        return bytes(found)

    def _from_server(self) -> bytes:
        """Wait for the server as long as the client is there."""
        while True:
            readable = self._readable()
            if self.server in readable:
                return _received(self.server)
            if not self.client.recv(1, socket.MSG_PEEK):
                raise Ended
            self.proxy.over.wait(_SLICE_S / 10)  # it has more to say, which is for later


class Proxy:
    """Listens for one run of a client at a time."""

    def __init__(self, upstream: Callable[[], socket.socket], gate: Gate) -> None:
        self.upstream, self.gate = upstream, gate
        self.over = threading.Event()
        """The run is over: what was kept open in silence is closed."""
        self.strict = True
        """New connections go statement by statement."""
        self.passed = 0
        self.links: list[Link] = []
        self._lock = threading.Lock()
        self._socket = socket.create_server((LISTEN, 0))
        self.port: int = self._socket.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def count(self) -> int:
        """The number of the next boundary."""
        with self._lock:
            self.passed += 1
            return self.passed

    def cut(self, number: int | None = None) -> None:
        """Reset every connection that there is, or the first so many; new ones may come."""
        for link in self.links[:number]:
            link.fate = Fate.CUT

    def fall_silent(self) -> None:
        """Pass nothing on any more in either direction, and keep the connections open."""
        for link in self.links[:]:
            link.fate = Fate.SILENT

    def refuse(self) -> None:
        """Accept no further connection."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def until(self, links: int) -> None:
        """Wait until there have been so many connections."""
        until(lambda: len(self.links) >= links, what=f"{links} connections")

    def close(self) -> None:
        self.over.set()
        self.refuse()
        for thread in self._threads:
            thread.join(timeout=10)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                link = Link(self, client, len(self.links) + 1)
            except OSError:  # the server is down
                client.close()
                continue
            self.links.append(link)
            thread = threading.Thread(target=link.run, daemon=True)
            self._threads.append(thread)
            thread.start()


def to_socket_file(folder: Path) -> Callable[[], socket.socket]:
    """How to reach a server on this machine."""

    def connect() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(str(folder / ".s.PGSQL.5432"))
        return made

    return connect


def to_port(host: str, port: int) -> Callable[[], socket.socket]:
    """How to reach a server in a container."""

    def connect() -> socket.socket:
        made = socket.create_connection((host, port))
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made

    return connect


def _received(side: socket.socket) -> bytes:
    data = side.recv(1 << 16)
    if not data:
        raise Ended
    return data
