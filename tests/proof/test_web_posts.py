"""The claim about posts finds what is broken."""

from __future__ import annotations

import random

import httpx
import pytest

from proof.once.job import Kind, Said
from proof.posts.crowd import Crowd, unconfirmed


DONE = Said(order="o", kind=Kind.ONBOARD, done=True, contract="c1")


def test_unconfirmed() -> None:
    """A sale of which nobody was told that it is done is lost."""
    assert None is unconfirmed([DONE], ["o"])
    assert "lost: ['p']" == unconfirmed([DONE], ["o", "p"])


def test_an_odd_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is neither done nor to be sent again is kept, and ends a sale."""

    async def refuse(*_: object, **__: object) -> httpx.Response:
        return httpx.Response(502, text="no")

    monkeypatch.setattr(httpx.AsyncClient, "post", refuse)
    crowd = Crowd("http://shop", random.Random(1))  # noqa: S311 - repeatable
    crowd.post(["o"])

    assert ([], "o: 502 no") == (crowd.said, crowd.odd[0])
