"""Middleware of the user's, around everything."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import respx

from sesamy_async import (
    Call,
    ConfigurationError,
    ConnectionFailedError,
    InvalidRequestError,
    Middleware,
    Outcome,
    OutcomeUnknownError,
    Proceed,
    Response,
    ServerError,
    SesamyError,
    StaticToken,
)
from support.calling import ONCE
from support.middleware import (
    around,
    deny,
    fail_late,
    insist,
    replace,
    twice,
)
from support.wire import API, ORDER, QUICK


async def test_middleware_of_the_callers(api: respx.Router) -> None:
    """The user's middleware is around everything, and may change calls."""
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    seen: list[Any] = []

    async def watch(call: Call, proceed: Proceed) -> Response:
        response = await proceed(call.with_headers(X_Tenant="7"))
        seen.append((call.operation, response.parsed))
        return response

    async with around(watch) as client:
        contract = await client.contracts.create("SPRING-12", ORDER)

    assert [("contracts.create", contract)] == seen
    assert "7" == route.calls.last.request.headers["x-tenant"]


async def test_middleware_that_answers() -> None:
    """Its answer is read like ours: a 503 of its own confirms nothing."""

    async def answer(call: Call, proceed: Proceed) -> Response:
        del proceed
        if call.operation == "contracts.confirm":
            return Response(status_code=503)
        return Response(status_code=200, content=b'{"id": "c9"}')

    async with around(answer) as client:
        contract = await client.contracts.create("SPRING-12", ORDER)
        with pytest.raises(ServerError) as caught:
            await client.contracts.confirm("SPRING-12", "c1")

    assert "c9" == contract.id
    assert (Outcome.UNKNOWN, "c1") == (
        caught.value.outcome,
        caught.value.contract_id,
    )


async def test_middleware_sees_complete_errors(api: respx.Router) -> None:
    """What the user's middleware catches is what the user will."""
    api.post(f"{API}/confirm/c1").mock(
        side_effect=[httpx.Response(503), httpx.Response(400)]
    )
    seen: list[Any] = []

    async def watch(call: Call, proceed: Proceed) -> Response:
        try:
            return await proceed(call)
        except SesamyError as error:
            seen.append((error.operation, error.attempts, error.outcome))
            raise

    async with around(watch, retry=QUICK) as client:
        with pytest.raises(SesamyError):
            await client.contracts.confirm("SPRING-12", "c1")

    assert [("contracts.confirm", 2, Outcome.UNKNOWN)] == seen


class Cancelled(BaseException):
    """What ends a task from outside."""


async def forget(call: Call, proceed: Proceed) -> Any:
    """Proceed, and return nothing."""
    await proceed(call)


def raising(kind: type[BaseException], *words: str) -> Middleware:
    """Return one that raises this without having proceeded."""

    async def fail(call: Call, proceed: Proceed) -> Response:
        del call, proceed
        raise kind(*words)

    return fail


MADE = httpx.Response(200, json={"id": "c1"})
LOST = httpx.ReadTimeout("x")
UNREACHED = httpx.ConnectError("x")
REPLACED = (
    r"contracts.create of order 'o-1': A middleware replaced the contract "
    r"with dict. Outcome: APPLIED. It was done, but the response can't be "
    r"read; do not send it again."
)


@pytest.mark.parametrize(
    ("middleware", "answer", "error", "words", "outcome", "sent"),
    [
        (forget, MADE, ConfigurationError, "must return a Resp", "APPLIED", 1),
        (replace, MADE, ConfigurationError, REPLACED, "APPLIED", 1),
        (twice, MADE, ConfigurationError, "second contract", "APPLIED", 1),
        (insist, LOST, ConfigurationError, "proceed", "UNKNOWN", 1),
        (fail_late, MADE, SesamyError, "KeyError", "APPLIED", 1),
        # What raises without `proceed` may have sent the order by itself.
        (raising(KeyError), MADE, SesamyError, "KeyError", "UNKNOWN", 0),
        (raising(Cancelled), MADE, Cancelled, None, "UNKNOWN", 0),
        (
            raising(httpx.ConnectError, "CANARY"),
            MADE,
            SesamyError,
            "ConnectError",
            "UNKNOWN",
            0,
        ),
        # An error of ours says that it did not.
        (
            raising(InvalidRequestError, "Not on Sundays."),
            MADE,
            InvalidRequestError,
            "Not on Sundays",
            "NOT_SENT",
            0,
        ),
        # It can't undo what was sent before.
        (deny, MADE, ConnectionFailedError, "No.", "APPLIED", 1),
        (deny, LOST, ConnectionFailedError, "No.", "UNKNOWN", 1),
        (deny, UNREACHED, ConnectionFailedError, "No.", "NOT_SENT", 1),
    ],
)
async def test_mistakes_of_a_middleware(  # noqa: PLR0917 - a table
    api: respx.Router,
    middleware: Any,
    answer: Any,
    error: type[BaseException],
    words: str | None,
    outcome: str,
    sent: int,
) -> None:
    """Each ends in a known outcome, and no order is sent twice by one."""
    route = api.post(f"{API}?confirm=false")
    route.side_effect = [answer, answer]
    async with around(middleware, retry=ONCE) as client:
        with pytest.raises(error, match=words) as caught:
            await client.contracts.create("SPRING-12", ORDER)

    told = f"{caught.value} {getattr(caught.value, '__notes__', '')}"
    assert f"Outcome: {outcome}." in told
    assert "CANARY" not in told
    assert sent == route.call_count
    if isinstance(caught.value, ConnectionFailedError):
        assert (outcome == "NOT_SENT") is caught.value.retryable
    if words == "KeyError":
        assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize(
    "error", [ConnectionFailedError("No."), TimeoutError("No.")]
)
async def test_middleware_that_leaves_a_call_on_its_way(
    error: Exception,
) -> None:
    """What is still on its way may yet be sent."""
    tasks: list[asyncio.Task[Response]] = []
    arrived = asyncio.Event()
    answer = asyncio.Event()

    async def handle(request: httpx.Request) -> httpx.Response:
        del request
        arrived.set()
        await answer.wait()
        return httpx.Response(200, json={"id": "c1"})

    async def hurry(call: Call, proceed: Proceed) -> Response:
        tasks.append(asyncio.create_task(proceed(call)))  # type: ignore[arg-type]
        await arrived.wait()
        raise error

    async with around(hurry, transport=httpx.MockTransport(handle)) as client:
        with pytest.raises(SesamyError) as caught:
            await client.contracts.create("SPRING-12", ORDER)
        answer.set()
        await tasks[0]

    assert Outcome.UNKNOWN is caught.value.outcome


async def test_auth_whose_own_request_is_in_doubt(api: respx.Router) -> None:
    """Whatever became of the request for a token, the order was not sent."""
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})

    async def ask() -> str:
        raise OutcomeUnknownError("No token.", outcome=Outcome.UNKNOWN)

    async with around(auth=ask) as client:
        with pytest.raises(OutcomeUnknownError) as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert (Outcome.NOT_SENT, 0) == (caught.value.outcome, route.call_count)


async def test_what_fails_after_a_doubt(api: respx.Router) -> None:
    """An auth or a hook that finds no connection can't undo an attempt."""
    api.post(f"{API}?confirm=false").side_effect = httpx.ReadTimeout("x")
    asked: list[int] = []

    async def ask() -> str:
        asked.append(1)
        if len(asked) == 1:
            return "Bearer t"
        raise ConnectionFailedError("No.")

    async def note(call: Call) -> None:
        if call.record.lost:
            raise httpx.ConnectError("CANARY")

    for words, auth, hook in (
        ("No", ask, None),
        ("before_send", StaticToken("t"), note),
    ):
        async with around(auth=auth, retry=QUICK) as client:
            with pytest.raises(SesamyError, match=words) as caught:
                await client.contracts.create(
                    "SPRING-12", ORDER, repeatable=True, before_send=hook
                )

        assert Outcome.UNKNOWN is caught.value.outcome
