"""What OpenTelemetry's SDK is told, kept in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, Sampler

from sesamy_async.otel import Telemetry


class Told:
    """The spans and metrics of a `Telemetry`."""

    def __init__(self, sampler: Sampler = ALWAYS_ON, **options: Any) -> None:
        self._exporter = InMemorySpanExporter()
        self._reader = InMemoryMetricReader()
        self.tracers = TracerProvider(sampler, shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self.telemetry = Telemetry(
            tracer_provider=self.tracers,
            meter_provider=self.meters,
            **options,
        )

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """All that have ended, in this order."""
        return self._exporter.get_finished_spans()

    @property
    def span(self) -> ReadableSpan:
        """The only one."""
        [span] = self.spans
        return span

    def named(self, name: str) -> ReadableSpan:
        """The only one of this name."""
        [span] = [each for each in self.spans if each.name == name]
        return span

    def metrics(self) -> Iterator[Any]:
        """Yield the metrics that have points."""
        data: Any = self._reader.get_metrics_data()
        if data is not None:
            for resource in data.resource_metrics:
                for scope in resource.scope_metrics:
                    yield from scope.metrics

    def points(self, name: str) -> list[Any]:
        """Return the points of a metric."""
        return [
            point
            for metric in self.metrics()
            if metric.name == name
            for point in metric.data.data_points
        ]
