"""What everybody sends, and what they get: real shapes, made-up people."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs


ROOT = Path(__file__).resolve().parents[1]
VENDOR = "acme"
PROMO = "SPRING-12"
BEARER = "eyJhbGciOiJSUzI1NiJ9." + "c2VzYW15" * 60
"""As long as a signed token usually is."""

ORDER: dict[str, Any] = json.loads(
    (ROOT / "examples" / "order.json").read_text(encoding="utf-8")
)
CONTRACT: dict[str, Any] = json.loads(
    (ROOT / "benchmarks" / "contract.json").read_text(encoding="utf-8")
)
CONTRACT_ID: str = CONTRACT["id"]


def compact(value: Any) -> bytes:
    """Return JSON without spaces."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return text.encode()


_BODY = compact(CONTRACT)
ANSWER = (
    b"HTTP/1.1 201 Created\r\n"
    b"Content-Type: application/json; charset=utf-8\r\n"
    b"Content-Length: %d\r\n"
    b"Date: Thu, 17 Sep 2026 09:12:44 GMT\r\n"
    b"X-Request-Id: 5f1c7c0e6f7b4d0e\r\n"
    b"X-RateLimit-Limit: 300\r\n"
    b"X-RateLimit-Remaining: 299\r\n"
    b"X-RateLimit-Reset: 1789636364\r\n"
    b"Connection: keep-alive\r\n\r\n" % len(_BODY)
) + _BODY
"""What the servers answer, with the headers that Sesamy documents."""


@attrs.frozen(slots=False)
class Target:
    """Where the order goes.

    Attributes:
        base_url: Of the server.
    """

    base_url: str

    @property
    def path(self) -> str:
        """The path of a create."""
        return f"/payments/vendor/{VENDOR}/promos/code/{PROMO}?confirm=false"

    @property
    def url(self) -> str:
        """The URL of a create."""
        return f"{self.base_url}{self.path}"

    @property
    def host(self) -> str:
        """The host of the server."""
        return urlsplit(self.base_url).hostname or ""

    @property
    def port(self) -> int:
        """The port of the server."""
        return urlsplit(self.base_url).port or 0

    @property
    def headers(self) -> dict[str, str]:
        """What every contestant sends besides its own."""
        return {"Authorization": f"Bearer {BEARER}"}

    @cached_property
    def raw(self) -> bytes:
        """The whole request as bytes, for those who only copy them."""
        body = compact(ORDER)
        lines = [
            f"POST {self.path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            f"Authorization: Bearer {BEARER}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
        ]
        return "\r\n".join([*lines, "", ""]).encode() + body
