"""Traces and metrics, as an application sets them up."""

from __future__ import annotations

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider

from sesamy_async import AsyncSesamy, Middleware, Sesamy
from sesamy_async.otel import Telemetry


telemetry = Telemetry(
    tracer_provider=TracerProvider(),
    meter_provider=MeterProvider(),
    propagate=True,
)
middleware: list[Middleware] = [telemetry, Telemetry()]
AsyncSesamy(middleware=middleware)
Sesamy(middleware=[telemetry])
Telemetry(TracerProvider())  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
Telemetry(tracer_provider=MeterProvider())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
