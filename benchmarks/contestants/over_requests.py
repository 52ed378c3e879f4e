"""Bare requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from benchmarks.payload import ORDER, Target

from .kinds import Call, Contestant


@contextmanager
def _open(target: Target, limit: int | None) -> Iterator[Call]:
    del limit  # It takes part in no scenario that sets one.
    requests = import_module("requests")
    url = target.url
    with requests.Session() as session:
        session.headers.update(target.headers)

        def call() -> str:
            contract: str = session.post(url, json=ORDER).json()["id"]
            return contract

        yield call


REQUESTS = Contestant("requests", "requests", _open)
