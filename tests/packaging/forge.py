"""A server that answers as GitHub's API does about the comments of one pull request."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

BOT = "github-actions[bot]"
TOKEN = "marker-token"

_LIST = re.compile(r"/repos/acme/shop/issues/7/comments\?per_page=(\d+)&page=(\d+)")
_ONE = re.compile(r"/repos/acme/shop/issues/comments/(\d+)")


@dataclass(slots=True, kw_only=True)
class Forge:
    """The comments, the writes, and what goes wrong."""

    comments: list[dict[str, Any]] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    may_write: bool = True
    failures: int = 0
    """So many of the next requests are answered with 502."""
    url: str = ""

    def add(self, body: str, author: str = BOT) -> dict[str, Any]:
        """Write a comment."""
        number = len(self.comments) + 1
        made = {"id": number, "body": body, "user": {"login": author}, "html_url": f"https://x/{number}"}
        self.comments.append(made)
        return made

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Return status and document."""
        if self.failures:
            self.failures -= 1
            return 502, {"message": "Bad Gateway"}
        if method == "GET" and (listed := _LIST.fullmatch(path)):
            size, page = int(listed[1]), int(listed[2])
            return 200, self.comments[(page - 1) * size : page * size]
        if not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}
        self.writes.append(method)
        if method == "POST" and path == "/repos/acme/shop/issues/7/comments":
            return 201, self.add(body["body"])
        if method == "PATCH" and (one := _ONE.fullmatch(path)):
            changed = self.comments[int(one[1]) - 1]
            changed["body"] = body["body"]
            return 200, changed
        return 404, {"message": "Not Found"}


@contextmanager
def running() -> Iterator[Forge]:
    """Serve on a free port of this machine for the length of a `with` block."""
    forge = Forge()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            sent = json.loads(self.rfile.read(length)) if length else {}
            allowed = self.headers["Authorization"] == f"Bearer {TOKEN}"
            status, document = forge.answer(self.command, self.path, sent) if allowed else (401, {})
            content = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _serve  # noqa: N815  # as http.server calls them

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # http.server's signature
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    forge.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
