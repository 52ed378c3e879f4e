"""A sandbox on a port of this machine, and a client with a token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from sesamy_async.sandbox import Sandbox, running

from .sandbox_caller import token_request


@contextmanager
def served(sandbox: Sandbox, **more: Any) -> Iterator[httpx.Client]:
    """Serve, and yield a client with a token."""
    verify = more.pop("verify", True)
    with (
        running(sandbox, **more) as url,
        httpx.Client(base_url=url, verify=verify, timeout=10) as client,
    ):
        answer = client.post("/oauth/token", data=token_request(sandbox))
        token = answer.json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client
