"""A webhook that events are posted to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs

from sesamy_async.sandbox import Sandbox, SandboxConfig, Webhook


PATIENCE = 20.0


@attrs.define
class Receiver:
    """Answers each post with the next status, then with 200."""

    url: str
    statuses: list[int] = attrs.field(factory=list[int])
    received: list[tuple[str | None, Any]] = attrs.field(
        factory=list[tuple[str | None, Any]]
    )
    go_on: threading.Event = attrs.field(factory=threading.Event)

    def sandbox(self, **settings: Any) -> Sandbox:
        """Return a sandbox that posts to it."""
        settings = {"backoff": 0.0, "url": self.url, **settings}
        return Sandbox(SandboxConfig(webhook=Webhook(**settings)))


@contextmanager
def receiving(*statuses: int, held: bool = False) -> Iterator[Receiver]:
    """Serve a webhook; one that is held answers when it may go on."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            authorization = self.headers["Authorization"]
            receiver.received.append((authorization, json.loads(body)))
            receiver.go_on.wait(PATIENCE)
            self.send_response((receiver.statuses or [200]).pop(0))
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
        receiver = Receiver(url, [*statuses])
        if not held:
            receiver.go_on.set()
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            receiver.go_on.set()
            server.shutdown()
            thread.join(PATIENCE)
