"""Those who patch httpx, or httpcore beneath it: tests, and telemetry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import httpx
import pytest
import respx
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)


class Patch(Protocol):
    """Something that patches httpx.

    Attributes:
        answers: Whether it answers, so that no server is asked.
    """

    answers: bool

    def start(self, url: str) -> Callable[[], object]:
        """Patch it; return what undoes that."""
        ...

    def seen(self) -> int:
        """Return how many requests it has seen."""
        ...


class Respx:
    """respx, which patches httpcore unless told otherwise."""

    answers = True

    def __init__(self) -> None:
        self.requests = 0

    def start(self, url: str) -> Callable[[], object]:
        """Begin to answer."""

        def answer(_: httpx.Request) -> httpx.Response:
            self.requests += 1
            return httpx.Response(201, json={"id": "c-9"})

        mock = respx.MockRouter()
        mock.route(url__startswith=url).mock(side_effect=answer)
        mock.start()
        return mock.stop

    def seen(self) -> int:
        """Return how many calls it has answered."""
        return self.requests


class Replaced:
    """Replaces methods of httpx's transports, as pytest-httpx does."""

    answers = False

    def __init__(self) -> None:
        self.requests = 0

    def start(self, url: str) -> Callable[[], object]:
        """Put functions of its own in their place."""
        del url
        patch = pytest.MonkeyPatch()
        send = httpx.HTTPTransport.handle_request
        send_async = httpx.AsyncHTTPTransport.handle_async_request

        def handle_request(*args: Any) -> httpx.Response:
            self.requests += 1
            return send(*args)

        async def handle_async_request(*args: Any) -> httpx.Response:
            self.requests += 1
            return await send_async(*args)

        patch.setattr(httpx.HTTPTransport, "handle_request", handle_request)
        patch.setattr(
            httpx.AsyncHTTPTransport,
            "handle_async_request",
            handle_async_request,
        )
        return patch.undo

    def seen(self) -> int:
        """Return how many it has passed on."""
        return self.requests


class Telemetry:
    """OpenTelemetry's instrumentation, which wraps the same methods."""

    answers = False

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    def start(self, url: str) -> Callable[[], object]:
        """Begin to trace."""
        del url
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        instrumentor = HTTPXClientInstrumentor()
        instrumentor.instrument(tracer_provider=provider)

        def stop() -> None:
            instrumentor.uninstrument()
            provider.shutdown()

        return stop

    def seen(self) -> int:
        """Return how many requests it has traced."""
        return len(self.exporter.get_finished_spans())
