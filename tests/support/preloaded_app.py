"""A WSGI application whose client was used before gunicorn forks."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from typing import Any

from sesamy_async import Sesamy
from support.calling import ORDER


client = Sesamy()
client.contracts.create("SPRING-12", ORDER)


def app(
    environ: dict[str, Any],
    start_response: Callable[[str, list[tuple[str, str]]], object],
) -> Iterable[bytes]:
    """Make a contract, and say which and who did it."""
    del environ
    contract = client.contracts.create("SPRING-12", ORDER)
    start_response("200 OK", [("Content-Type", "application/json")])
    done = {
        "worker": os.getpid(),
        "contract": contract.id,
    }
    return [json.dumps(done).encode()]
