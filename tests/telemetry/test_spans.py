"""A call is a span that says how it ended, and nothing personal."""

from __future__ import annotations

import asyncio
import contextvars
from typing import Any

import anyio
import attrs
import pytest
from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from sesamy_async import (
    AsyncSesamy,
    Call,
    InvalidRequestError,
    Middleware,
    Proceed,
    Request,
    Response,
)
from support.calling import (
    AT_ONCE,
    ORDER,
    World,
    complete,
    confirm,
    create,
)
from support.fault_server import FaultServer, Step
from support.faults import answer, good, message, reset_answer, silent
from support.marks import every_loop, every_world
from support.sinks import SINKS, Left
from support.telemetry import Told


TEMPLATE = "/payments/vendor/{vendorId}/promos/code/{promoCode}"


def of(span: Any, *names: str) -> list[Any]:
    """Return the values of some attributes."""
    return [span.attributes.get(name) for name in names]


def texts(told: Told) -> str:
    """Return all that is told, whatever is in it."""
    left = Left(error=None, objects=(), told=told)
    return "".join([*SINKS["spans"](left), *SINKS["metrics"](left)])


def ask(client: Any) -> Any:
    """Call an endpoint without a method of its own."""
    return client.request(
        "GET", "/orders/kim%40example.se", query={"email": "kim@example.se"}
    )


def numbered(
    status: int, body: dict[str, Any], request_id: str = "r-1"
) -> Step:
    """Answer with a request id."""
    return answer(status, body, {"X-Request-Id": request_id})


@every_world
def test_a_call_that_is_done(world: World) -> None:
    """It is a CLIENT span, as the HTTP conventions have it."""
    told = Told()
    with FaultServer([numbered(201, {"id": "c-1"})], good) as server:
        world.one(create, base_url=server.url, middleware=[told.telemetry])
    span = told.span

    assert ("contracts.create", SpanKind.CLIENT) == (span.name, span.kind)
    assert {
        "sesamy.operation": "contracts.create",
        "server.address": "127.0.0.1",
        "server.port": int(server.url.rpartition(":")[2]),
        "http.request.method": "POST",
        "url.template": TEMPLATE,
        "http.response.status_code": 201,
        "sesamy.outcome": "DONE",
        "sesamy.attempts": 1,
        "sesamy.request_id": "r-1",
        "sesamy.external_order_id": "order-1",
    } == dict(span.attributes or {})
    assert StatusCode.UNSET is span.status.status_code
    assert None is span.parent
    assert () == tuple(span.events)


@every_world
def test_other_operations(world: World) -> None:
    """A path of the caller's may be personal: it has no template."""
    told = Told()
    with FaultServer([], good) as server:
        world.run(
            [confirm, ask], base_url=server.url, middleware=[told.telemetry]
        )
    names = ("http.request.method", "url.template")
    first, second = told.spans

    assert ("contracts.confirm", "request GET") == (first.name, second.name)
    assert ["POST", f"{TEMPLATE}/confirm/{{contractId}}"] == of(first, *names)
    assert ["GET", None] == of(second, *names)
    assert "kim" not in texts(told)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("https://api.sesamy.com", 443),
        ("http://localhost", 80),
        ("https://api.sesamy.com:8443/gateway", 8443),
    ],
)
def test_a_server(url: str, port: int) -> None:
    """It is named without a path, and always with its port."""
    told = Told()

    async def done(call: Call, proceed: Proceed) -> Response:
        del call, proceed
        return Response(status_code=200, content=b'{"id": "c"}')

    World.BLOCKING.one(create, base_url=url, middleware=[told.telemetry, done])
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]

    assert [host, port] == of(told.span, "server.address", "server.port")


@every_world
def test_a_call_that_is_sent_again(world: World) -> None:
    """It is one span, which says how often."""
    told = Told()
    steps = [answer(503), answer(503)]
    with FaultServer(steps, good) as server:
        world.one(
            confirm,
            base_url=server.url,
            middleware=[told.telemetry],
            retry=AT_ONCE,
        )

    assert [3, 2, "DONE", 201, None] == of(
        told.span,
        "sesamy.attempts",
        "http.request.resend_count",
        "sesamy.outcome",
        "http.response.status_code",
        "error.type",
    )
    assert StatusCode.UNSET is told.span.status.status_code


ENDS = (
    "sesamy.outcome",
    "error.type",
    "http.response.status_code",
    "sesamy.retryable",
    "sesamy.attempts",
    "sesamy.request_id",
)


@every_world
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            numbered(400, {"error": {"message": "Ada"}}),
            ["REFUSED", "BadRequestError", 400, False, 1, "r-1"],
        ),
        (
            numbered(503, {"error": {"message": "Ada"}}),
            ["UNKNOWN", "ServerError", 503, False, 1, "r-1"],
        ),
        (
            answer(200, b'{"id": "c-1", '),
            ["APPLIED", "UnreadableResponseError", 200, False, 1, None],
        ),
        (
            reset_answer,
            ["UNKNOWN", "OutcomeUnknownError", None, False, 1, None],
        ),
    ],
    ids=["400", "503", "unreadable", "reset"],
)
def test_a_call_that_fails(
    step: Step, expected: list[Any], world: World
) -> None:
    """The span says so, without an event that would hold the message."""
    told = Told()
    with FaultServer([step], good) as server:
        world.one(create, base_url=server.url, middleware=[told.telemetry])
    span = told.span

    assert expected == of(span, *ENDS)
    assert (StatusCode.ERROR, expected[0]) == (
        span.status.status_code,
        span.status.description,
    )
    assert () == tuple(span.events)
    assert "Ada" not in texts(told)


@every_world
def test_a_call_without_a_connection(world: World) -> None:
    """There is no status, and it can be made again."""
    told = Told()
    with FaultServer([], good) as server:
        url = server.url
    world.one(create, base_url=url, middleware=[told.telemetry])

    assert ["NOT_SENT", "ConnectionFailedError", None, True, 1, None] == of(
        told.span, *ENDS
    )


def test_a_token_that_is_refused() -> None:
    """The status of the token endpoint is not Sesamy's."""
    told = Told()
    with FaultServer([], answer(401, {"error": "invalid_client"})) as server:
        World.BLOCKING.one(
            create,
            base_url=server.url,
            token_url=f"{server.url}/oauth/token",
            client_id="c",
            client_secret="s",
            middleware=[told.telemetry],
        )

    assert ["REFUSED", "AuthenticationError", None] == of(told.span, *ENDS[:3])


async def _raises(call: Call, proceed: Proceed) -> Response:
    del call, proceed
    raise KeyError("kim@example.se")


async def _fails_late(call: Call, proceed: Proceed) -> Response:
    await proceed(call)
    raise KeyError("kim@example.se")


async def _refuses(call: Call, proceed: Proceed) -> Response:
    del call, proceed
    raise InvalidRequestError("Not on Sundays.")


async def _denies(call: Call, proceed: Proceed) -> Response:
    await proceed(call)
    raise InvalidRequestError("Not on Sundays.")


async def _answers(call: Call, proceed: Proceed) -> Response:
    del call, proceed
    return Response(status_code=503)


async def _replaces(call: Call, proceed: Proceed) -> Response:
    await proceed(call)
    return Response(status_code=400)


async def _forgets(call: Call, proceed: Proceed) -> Any:
    await proceed(call)


async def _returns_nothing(call: Call, proceed: Proceed) -> Any:
    del call, proceed


@every_world
@pytest.mark.parametrize(
    ("middleware", "expected"),
    [
        (_raises, ["UNKNOWN", "KeyError", None, None]),
        (_fails_late, ["APPLIED", "KeyError", 201, None]),
        (_refuses, ["NOT_SENT", "InvalidRequestError", None, False]),
        (_denies, ["APPLIED", "InvalidRequestError", 201, False]),
        (_answers, ["UNKNOWN", "503", 503, None]),
        (_replaces, ["APPLIED", "400", 400, None]),
        (_forgets, ["APPLIED", "_OTHER", None, None]),
        (_returns_nothing, ["NOT_SENT", "_OTHER", None, None]),
    ],
)
def test_a_middleware_inside(
    middleware: Middleware, expected: list[Any], world: World
) -> None:
    """Whatever it does, the outcome is the one that the caller is told."""
    told = Told()
    with FaultServer([], good) as server:
        ending = world.one(
            create,
            base_url=server.url,
            middleware=[told.telemetry, middleware],
        )

    assert expected == of(told.span, *ENDS[:4])
    assert expected[0] == ending.failed.outcome
    assert StatusCode.ERROR is told.span.status.status_code
    assert "kim" not in texts(told)


@every_loop
@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (silent, ["UNKNOWN", None]),
        # A whole head, and never all of the body.
        (
            lambda peer: (
                peer.read_request(),
                peer.send(message(404, b"{}" * 9)[:-3]),
                peer.hang(),
            ),
            ["REFUSED", 404],
        ),
    ],
    ids=["silent", "head"],
)
def test_a_call_that_is_cancelled(
    step: Step, expected: list[Any], backend: str
) -> None:
    """The span ends, with what is known of the order."""
    told = Told()
    spans: list[trace.Span] = []

    async def main(url: str) -> None:
        settings = complete({"base_url": url, "middleware": [told.telemetry]})
        async with AsyncSesamy(**settings) as client:
            with anyio.move_on_after(0.3):
                await client.contracts.create("SPRING", ORDER)
            spans.append(trace.get_current_span())

    with FaultServer([step], good) as server:
        anyio.run(main, server.url, backend=backend)

    assert expected == of(told.span, ENDS[0], ENDS[2])
    assert told.span.attributes
    assert told.span.attributes["error.type"] in {
        "CancelledError",
        "Cancelled",
    }
    assert StatusCode.ERROR is told.span.status.status_code
    assert [trace.INVALID_SPAN] == spans


def test_a_coroutine_that_is_thrown_away(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Its span ends, and nobody complains about another context."""
    told = Told()

    class Suspended:
        def __await__(self) -> Any:
            yield

    async def hang(call: Call) -> Response:
        del call
        await Suspended()
        raise AssertionError

    request = Request(method="POST", url="https://api.sesamy.com/x")
    call = Call(operation="x", request=request, deadline=1.0, timeout=1.0)
    coroutine = told.telemetry(call, hang)
    contextvars.copy_context().run(coroutine.send, None)
    coroutine.close()

    assert ["UNKNOWN", "GeneratorExit"] == of(told.span, *ENDS[:2])
    assert "" == caplog.text


@every_world
def test_calls_at_once(world: World) -> None:
    """None becomes the parent of another, nor of what comes after."""
    told = Told()
    with FaultServer([], good) as server:
        world.together(
            [create] * 20, base_url=server.url, middleware=[told.telemetry]
        )

    assert [None] * 20 == [each.parent for each in told.spans]
    assert trace.INVALID_SPAN is trace.get_current_span()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_span_of_the_caller() -> None:
    """It is the parent, also in tasks that it starts."""
    told = Told()
    tracer = told.tracers.get_tracer("theirs")
    with FaultServer([], good) as server:
        settings = complete(
            {"base_url": server.url, "middleware": [told.telemetry]}
        )
        async with AsyncSesamy(**settings) as client:
            with tracer.start_as_current_span("checkout") as checkout:
                await asyncio.create_task(create(client))
                await create(client)
                assert checkout is trace.get_current_span()

    assert [checkout.get_span_context()] * 2 == [
        each.parent for each in told.spans if each.name != "checkout"
    ]


def test_a_changed_call() -> None:
    """A middleware outside may have changed the call: as it is sent."""
    told = Told()

    async def change(call: Call, proceed: Proceed) -> Response:
        return await proceed(attrs.evolve(call, external_order_id=None))

    with FaultServer([], good) as server:
        World.BLOCKING.one(
            create,
            base_url=server.url,
            middleware=[change, told.telemetry],
        )

    assert [None] == of(told.span, "sesamy.external_order_id")
