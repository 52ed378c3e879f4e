"""Middleware of the user's, around everything."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import attrs
import httpx
import pytest
import respx

from sesamy_async import (
    AsyncSesamy,
    Call,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    Outcome,
    OutcomeUnknownError,
    Proceed,
    RateLimit,
    Response,
    RetryPolicy,
    ServerError,
    SesamyError,
    StaticToken,
)
from support.wire import API, ORDER, QUICK


def around(*middleware: Any, **options: Any) -> AsyncSesamy:
    """Return a client with middleware of its own."""
    options.setdefault("auth", StaticToken("t"))
    return AsyncSesamy("acme", middleware=middleware, **options)


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
    """A middleware may answer by itself; its answer is read like ours."""

    async def answer(call: Call, proceed: Proceed) -> Response:
        del call, proceed
        return Response(status_code=200, content=b'{"id": "c9"}')

    async with around(answer) as client:
        contract = await client.contracts.create("SPRING-12", ORDER)

    assert "c9" == contract.id


async def test_middleware_that_answers_with_an_error() -> None:
    """A middleware's own 503 is no contract, and confirms none."""

    async def answer(call: Call, proceed: Proceed) -> Response:
        del call, proceed
        return Response(status_code=503)

    async with around(answer) as client:
        with pytest.raises(ServerError) as caught:
            await client.contracts.confirm("SPRING-12", "c1")

    assert (Outcome.UNKNOWN, "c1") == (
        caught.value.outcome,
        caught.value.contract_id,
    )


@pytest.mark.parametrize(
    ("before", "outcome"),
    [(True, Outcome.UNKNOWN), (False, Outcome.APPLIED)],
)
async def test_middleware_that_fails(
    api: respx.Router, before: bool, outcome: Outcome
) -> None:
    """A middleware's mistake ends in a known outcome too."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})

    async def fail(call: Call, proceed: Proceed) -> Response:
        if not before:
            await proceed(call)
        raise KeyError

    async with around(fail) as client:
        with pytest.raises(SesamyError, match="KeyError") as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert outcome is caught.value.outcome
    assert isinstance(caught.value.__cause__, KeyError)


async def test_header_of_a_middleware_that_cannot_be_sent() -> None:
    """A header that can't be sent is refused, and not repeated."""

    async def spoil(call: Call, proceed: Proceed) -> Response:
        return await proceed(call.with_headers(X_Bad="CANARY\r\nx"))

    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with around(spoil, transport=transport, retry=QUICK) as client:
        with pytest.raises(SesamyError) as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert "CANARY" not in str(caught.value)


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


async def test_deadline_before_sending_is_retryable() -> None:
    """A call that came too late to be sent may be made again."""
    limit = RateLimit(requests=1, per=60, burst=1)
    transport = httpx.MockTransport(
        lambda _: httpx.Response(200, json={"id": "c1"})
    )
    async with around(
        rate_limit=limit, transport=transport, deadline=5
    ) as client:
        await client.contracts.create("SPRING-12", ORDER)
        with pytest.raises(DeadlineExceededError) as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert (Outcome.NOT_SENT, True) == (
        caught.value.outcome,
        caught.value.retryable,
    )


async def test_middleware_that_forgets_to_return(api: respx.Router) -> None:
    """A middleware without an answer is a mistake, and named as one."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})

    async def forget(call: Call, proceed: Proceed) -> Any:
        await proceed(call)

    async with around(forget) as client:
        with pytest.raises(
            ConfigurationError, match="must return a Resp"
        ) as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert Outcome.APPLIED is caught.value.outcome


async def test_middleware_that_replaces_the_contract(
    api: respx.Router,
) -> None:
    """Something else in the contract's place is a mistake, and named."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})

    async def replace(call: Call, proceed: Proceed) -> Response:
        return attrs.evolve(await proceed(call), parsed={"id": "c1"})

    async with around(replace) as client:
        with pytest.raises(ConfigurationError, match="dict") as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert (
        "contracts.create of order 'o-1': A middleware replaced the contract "
        "by dict. Outcome: APPLIED. It was done, but the answer can't be "
        "read; do not send it again."
    ) == str(caught.value)


async def test_middleware_that_proceeds_twice(api: respx.Router) -> None:
    """One order is not made two contracts by calling proceed twice."""
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})

    async def twice(call: Call, proceed: Proceed) -> Response:
        await proceed(call)
        return await proceed(call)

    async with around(twice) as client:
        with pytest.raises(ConfigurationError, match="second contract"):
            await client.contracts.create("SPRING-12", ORDER)

    assert 1 == route.call_count


async def test_middleware_that_retries(api: respx.Router) -> None:
    """A create that may have been done is not sent again by a middleware."""
    route = api.post(f"{API}?confirm=false")
    route.side_effect = [httpx.ReadTimeout("x"), httpx.Response(200)]

    async def insist(call: Call, proceed: Proceed) -> Response:
        try:
            return await proceed(call)
        except SesamyError:
            return await proceed(call)

    async with around(insist) as client:
        with pytest.raises(ConfigurationError, match="proceed") as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert (1, Outcome.UNKNOWN) == (route.call_count, caught.value.outcome)


async def test_middleware_that_sends_by_itself(api: respx.Router) -> None:
    """What it sent is its own affair: no exception says that it didn't."""
    route = api.post("https://elsewhere.test/").respond(201)

    async def send(call: Call, proceed: Proceed) -> Response:
        del proceed
        async with httpx.AsyncClient() as mine:
            await mine.post(
                "https://elsewhere.test/", content=call.request.content
            )
        raise httpx.ConnectError("CANARY")

    async with around(send) as client:
        with pytest.raises(SesamyError, match="ConnectError") as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert (Outcome.UNKNOWN, 1) == (caught.value.outcome, route.call_count)


async def test_middleware_that_is_cancelled_before_it_proceeds() -> None:
    """It may have sent the order by itself by then."""

    class Cancelled(BaseException):
        pass

    async def stop(call: Call, proceed: Proceed) -> Response:
        del call, proceed
        raise Cancelled

    async with around(stop) as client:
        with pytest.raises(Cancelled) as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert "Outcome: UNKNOWN." in "".join(caught.value.__notes__)


async def test_middleware_that_refuses() -> None:
    """A middleware says by an error of ours that nothing was sent."""

    async def refuse(call: Call, proceed: Proceed) -> Response:
        del call, proceed
        raise InvalidRequestError("Not on Sundays.")

    async with around(refuse) as client:
        with pytest.raises(InvalidRequestError) as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert Outcome.NOT_SENT is caught.value.outcome


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.Response(200, json={"id": "c1"}), Outcome.APPLIED),
        (httpx.ReadTimeout("x"), Outcome.UNKNOWN),
        (httpx.ConnectError("x"), Outcome.NOT_SENT),
    ],
)
async def test_middleware_that_denies_what_was_sent(
    api: respx.Router, answer: Any, outcome: Outcome
) -> None:
    """An error of ours that it raises can't undo what was sent before."""
    api.post(f"{API}?confirm=false").side_effect = [answer]

    async def deny(call: Call, proceed: Proceed) -> Response:
        with suppress(SesamyError):
            await proceed(call)
        raise ConnectionFailedError("No.", retryable=True)

    async with around(deny, retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(ConnectionFailedError) as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert (outcome, outcome is Outcome.NOT_SENT) == (
        caught.value.outcome,
        caught.value.retryable,
    )


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


async def test_auth_that_fails_after_a_doubt(api: respx.Router) -> None:
    """An auth that finds no connection can't undo an earlier attempt."""
    api.post(f"{API}?confirm=false").side_effect = [httpx.ReadTimeout("x")]
    asked: list[int] = []

    async def ask() -> str:
        asked.append(1)
        if len(asked) == 1:
            return "Bearer t"
        raise ConnectionFailedError("No.")

    async with around(auth=ask, retry=QUICK) as client:
        with pytest.raises(SesamyError) as caught:
            await client.contracts.create("SPRING-12", ORDER, repeatable=True)

    assert (Outcome.UNKNOWN, 2) == (caught.value.outcome, len(asked))


async def test_before_send_that_finds_no_connection_after_a_doubt(
    api: respx.Router,
) -> None:
    """Nor can what is awaited before each attempt."""
    api.post(f"{API}?confirm=false").side_effect = [httpx.ReadTimeout("x")]

    async def note(call: Call) -> None:
        if call.record.lost:
            raise httpx.ConnectError("CANARY")

    async with around(retry=QUICK) as client:
        with pytest.raises(SesamyError, match="before_send") as caught:
            await client.contracts.create(
                "SPRING-12", ORDER, repeatable=True, before_send=note
            )

    assert Outcome.UNKNOWN is caught.value.outcome
