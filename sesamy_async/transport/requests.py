"""Write a call as a request of httpx."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sesamy_async.core.call import Request

from .body import ACCEPT_ENCODING
from .library import Library


_WITH_BODY = {"POST", "PUT", "PATCH"}
_TIMEOUTS = ("connect", "read", "write", "pool")
_ACCEPT_ENCODING = (b"Accept-Encoding", ACCEPT_ENCODING.encode())


def request_of(
    request: Request,
    chosen: Library,
    seconds: float | None,
    trace: Callable[..., Any],
) -> Any:
    """Return an `httpx.Request`.

    Made of encoded headers and a ready stream: httpx would work both out
    once more for each request.

    Args:
        request: What is to be sent.
        chosen: The httpx to use.
        seconds: What one network operation may take; None for no limit.
        trace: Called with the events of httpcore.

    Raises:
        UnicodeError: A header is not ASCII.
    """
    url = chosen.url(request.url)
    return chosen.httpx.Request(
        request.method,
        url,
        headers=_headers(request, url.netloc),
        stream=chosen.stream(request.content),
        extensions={
            "timeout": dict.fromkeys(_TIMEOUTS, seconds),
            "trace": trace,
        },
    )


def _headers(request: Request, host: bytes) -> list[tuple[bytes, bytes]]:
    headers = [(b"Host", host), _ACCEPT_ENCODING]
    for name, value in request.headers.items():
        headers.append((name.encode("ascii"), value.encode("ascii")))
    if request.content or request.method in _WITH_BODY:
        length = str(len(request.content)).encode()
        headers.append((b"Content-Length", length))
    if request.authorization is not None:
        # Last: nothing may raise while it is in a local of ours.
        token = request.authorization.reveal().encode("ascii")
        headers.append((b"Authorization", token))
    return headers
