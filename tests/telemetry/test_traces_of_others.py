"""What Sesamy is sent of a trace, and how ours goes with others'."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry import baggage, context, trace
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind

from sesamy_async.otel import Telemetry
from support.calling import World, create
from support.fault_server import FaultServer, Peer, Received
from support.faults import message
from support.marks import every_world
from support.telemetry import Told


class Heard:
    """A server that keeps what it hears."""

    def __init__(self) -> None:
        self.requests: list[Received] = []

    def __call__(self, peer: Peer) -> None:
        """Answer a create."""
        self.requests.append(peer.read_request())
        peer.send(message(201, {"id": "c-1"}))

    @property
    def headers(self) -> Any:
        """Those of the only request."""
        [request] = self.requests
        return request.headers


def sent(world: World, telemetry: Telemetry) -> Any:
    """Make a call and return the headers that the server heard."""
    heard = Heard()
    with FaultServer([], heard) as server:
        ending = world.one(create, base_url=server.url, middleware=[telemetry])
    assert None is ending.error
    return heard.headers


def parent(span: Any) -> str:
    """Return the header of a span."""
    trace_id = trace.format_trace_id(span.context.trace_id)
    return f"00-{trace_id}-{trace.format_span_id(span.context.span_id)}"


@pytest.fixture
def _baggage() -> Any:
    """Have something personal in the context."""
    carried = baggage.set_baggage("email", "kim@example.se")
    token = context.attach(carried)
    yield
    context.detach(token)


@every_world
@pytest.mark.usefixtures("_baggage")
def test_sesamy_is_told_nothing(world: World) -> None:
    """Unless somebody asks for it."""
    headers = sent(world, Told().telemetry)

    assert {"traceparent", "tracestate", "baggage"}.isdisjoint(headers)


@every_world
@pytest.mark.usefixtures("_baggage")
def test_sesamy_is_told_of_the_trace(world: World) -> None:
    """If it is asked for; but never of the baggage."""
    told = Told(propagate=True)
    headers = sent(world, told.telemetry)

    assert f"{parent(told.span)}-" == headers["traceparent"][:-2]
    assert "baggage" not in headers


@every_world
def test_a_trace_that_is_not_sampled(world: World) -> None:
    """It says so, so that Sesamy does not trace it either."""
    headers = sent(world, Told(ALWAYS_OFF, propagate=True).telemetry)

    assert 0 == int(headers["traceparent"][-2:], 16) & 1


@every_world
def test_nothing_to_propagate(world: World) -> None:
    """Without a provider there is no trace."""
    assert "traceparent" not in sent(world, Telemetry(propagate=True))


@every_world
def test_a_trace_from_elsewhere(world: World) -> None:
    """Without a provider, the caller's trace goes through."""
    told = Told()
    tracer = told.tracers.get_tracer("theirs")
    with tracer.start_as_current_span("checkout"):
        headers = sent(world, Telemetry(propagate=True))

    assert f"{parent(told.span)}-" == headers["traceparent"][:-2]


@every_world
@pytest.mark.parametrize("propagate", [True, False])
def test_beside_the_instrumentation_of_httpx(
    world: World, *, propagate: bool
) -> None:
    """Its spans are inside ours, and Sesamy sees one trace: the inner one."""
    told = Told(propagate=propagate)
    instrumentor = HTTPXClientInstrumentor()
    instrumentor.instrument(tracer_provider=told.tracers)
    try:
        headers = sent(world, told.telemetry)
    finally:
        instrumentor.uninstrument()
    inner, outer = told.spans

    assert ("POST", "contracts.create") == (inner.name, outer.name)
    assert [SpanKind.CLIENT] * 2 == [inner.kind, outer.kind]
    assert outer.context == inner.parent
    assert f"{parent(inner)}-" == headers["traceparent"][:-2]
