"""What a collector gets, over OTLP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import (
    OTLPMetricExporter,
)
from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
    OTLPSpanExporter,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
)
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from sesamy_async import Sesamy
from sesamy_async.otel import Telemetry
from sesamy_async.sandbox import Sandbox
from support.canaries import ORDER, found_in


@contextmanager
def collecting() -> Iterator[tuple[str, dict[str, Any]]]:
    """Be a collector: yield its URL, and what it gets by path."""
    got: dict[str, Any] = {}
    kinds: dict[str, Any] = {
        "/v1/traces": ExportTraceServiceRequest,
        "/v1/metrics": ExportMetricsServiceRequest,
    }

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            size = int(self.headers["Content-Length"])
            got[self.path] = kinds[self.path].FromString(self.rfile.read(size))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", got
        finally:
            server.shutdown()
            thread.join()


def test_a_collector() -> None:
    """Spans and metrics arrive as they were meant, and nothing personal."""
    with collecting() as (url, got):
        tracers = TracerProvider(shutdown_on_exit=False)
        exporter = OTLPSpanExporter(f"{url}/v1/traces", timeout=5)
        tracers.add_span_processor(BatchSpanProcessor(exporter))
        reader = PeriodicExportingMetricReader(
            OTLPMetricExporter(f"{url}/v1/metrics", timeout=5)
        )
        meters = MeterProvider([reader], shutdown_on_exit=False)
        telemetry = Telemetry(tracer_provider=tracers, meter_provider=meters)
        with Sesamy(
            **Sandbox().client_settings(), middleware=[telemetry]
        ) as client:
            client.contracts.onboard("SPRING-12", ORDER)
        tracers.shutdown()
        meters.shutdown()

    [spans] = got["/v1/traces"].resource_spans
    [scope] = spans.scope_spans
    names = [span.name for span in scope.spans]
    texts = {
        attribute.key: attribute.value.string_value
        for span in scope.spans
        for attribute in span.attributes
    }
    [measured] = got["/v1/metrics"].resource_metrics
    [meter] = measured.scope_metrics

    assert "sesamy_async" == scope.scope.name == meter.scope.name
    assert ["contracts.create", "contracts.confirm"] == names[:2]
    assert ("DONE", "order-1") == (
        texts["sesamy.outcome"],
        texts["sesamy.external_order_id"],
    )
    assert {
        "sesamy.client.operation.duration",
        "sesamy.client.attempts",
    } == {each.name for each in meter.metrics}
    assert set() == found_in(str(got))
