"""The route of webhooks loses no event that it can keep."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, HTTPException

from sesamy_async import ConfigurationError, InvalidRequestError, Secret
from sesamy_async.fastapi import install, webhooks
from sesamy_async.webhooks import LARGEST_EVENT, Event
from support.apps import received, visited
from support.canaries import CANARIES, SECRET, found_in


PATH = "/webhooks/sesamy"
BODY = json.dumps({"eventType": "contract.1#update", "contractId": "c-1"})
RIGHT = "Bearer right"


async def post(
    handler: Callable[[Event], Any],
    body: str | bytes = BODY,
    authorization: str | bytes | None = RIGHT,
    **settings: Any,
) -> httpx.Response:
    """Send an event to an application."""
    app = FastAPI()
    install(app)
    secrets: list[str | Secret] = ["Bearer old", Secret(RIGHT)]
    app.include_router(webhooks(secrets, handler, **settings))
    given = {} if authorization is None else {"Authorization": authorization}
    async with visited(app) as visitor:
        return await visitor.post(
            settings.get("path", PATH),
            content=body,
            headers=given,  # type: ignore[arg-type]
        )


async def test_a_handler_that_is_awaited() -> None:
    """It gets the event before the answer."""
    events: list[Event] = []

    async def handle(event: Event) -> None:
        events.append(event)

    answer = await post(handle)
    [event] = events

    assert (204, b"") == (answer.status_code, answer.content)
    assert ("contract.1#update", "c-1") == (
        event.event_type,
        event.contract_id,
    )


async def test_a_handler_that_blocks() -> None:
    """A plain function does not block the event loop."""
    threads: list[threading.Thread] = []

    def handle(_: Event) -> None:
        threads.append(threading.current_thread())

    assert 204 == (await post(handle)).status_code
    assert [threading.current_thread()] != threads


async def test_a_handler_that_only_returns_something_to_await() -> None:
    """It is awaited, too."""
    events: list[Event] = []

    async def handle(where: list[Event], event: Event) -> None:
        where.append(event)

    assert 204 == (await post(lambda it: handle(events, it))).status_code
    assert 204 == (await post(partial(handle, events))).status_code
    assert 2 == len(events)


async def test_another_path() -> None:
    """The path can be chosen."""
    answer = await post(lambda _: None, path="/hooks")

    assert 204 == answer.status_code


@pytest.mark.parametrize(
    "value", [None, "", "Bearer wrong", "right", b"Bearer \xff\xfe"]
)
async def test_a_wrong_secret(
    value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused, and the log says that an event may be lost."""
    events: list[Event] = []
    answer = await post(events.append, authorization=value)
    [record] = [each for each in caplog.records if "webhook" in each.message]

    assert 401 == answer.status_code
    assert [] == events
    assert logging.ERROR == record.levelno
    assert "does not send it again" in record.message
    assert "right" not in caplog.text
    assert "wrong" not in caplog.text


async def test_while_the_secret_is_changed() -> None:
    """The old one is accepted, too."""
    answer = await post(lambda _: None, authorization="Bearer old")

    assert 204 == answer.status_code


@pytest.mark.parametrize("body", ["", "[]", "{}", b"\xff"])
async def test_what_is_no_event(
    body: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """It is refused with the reason in the log."""
    answer = await post(lambda _: None, body)

    assert 400 == answer.status_code
    assert "The body is not an event of Sesamy's" in caplog.text


async def test_a_large_event() -> None:
    """It is refused."""
    app = FastAPI()
    app.include_router(webhooks(RIGHT, lambda _: None))
    large = iter([b" " * LARGEST_EVENT, b" "])

    assert 413 == await received(app, PATH, large)


@pytest.mark.parametrize(
    "error",
    [OSError("disk"), HTTPException(404), InvalidRequestError("x")],
    ids=repr,
)
async def test_a_handler_that_fails(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever it raises is a 500, so that the event comes again."""

    async def handle(_: Event) -> None:
        raise error

    answer = await post(handle)
    [record] = [each for each in caplog.records if "webhook" in each.message]

    assert 500 == answer.status_code
    assert logging.ERROR == record.levelno
    assert "event type 'contract.1#update'" in record.message
    assert record.exc_info
    assert error is record.exc_info[1]


@pytest.mark.parametrize("secrets", [[], [""], "", ["é"]])
def test_no_secret(secrets: Any) -> None:
    """The application does not even begin without a secret."""
    with pytest.raises(ConfigurationError, match="secret"):
        webhooks(secrets, lambda _: None)


async def test_nothing_personal_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither of an event nor of its secret, however it ends."""
    caplog.set_level(logging.DEBUG)

    async def fail(_: Event) -> None:
        raise OSError("theirs")

    body = json.dumps({"eventType": "a", "userId": SECRET, **CANARIES})
    texts = [
        (await post(fail, body)).text,
        (await post(fail, body, CANARIES["secret"].encode())).text,
        (await post(fail, body.replace("eventType", "x"))).text,
    ]

    assert set() == found_in(f"{texts} {caplog.text}")
