"""The standard library's http.client."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection

from benchmarks.payload import ORDER, Target

from .kinds import Call, Contestant


@contextmanager
def _open(target: Target, limit: int | None) -> Iterator[Call]:
    del limit  # It takes part in no scenario that sets one.
    headers = {"Content-Type": "application/json", **target.headers}
    path = target.path
    with closing(HTTPConnection(target.host, target.port)) as connection:

        def call() -> str:
            body = json.dumps(ORDER).encode()
            connection.request("POST", path, body=body, headers=headers)
            contract: str = json.loads(connection.getresponse().read())["id"]
            return contract

        yield call


HTTP_CLIENT = Contestant("http.client", "http.client", _open)
