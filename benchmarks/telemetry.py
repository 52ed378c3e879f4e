"""What traces and metrics cost: ``python -m benchmarks.telemetry [--short]``.

Creates without telemetry and with it take turns, in blocks whose order is by
chance, against a server on a core of its own.  A block counts as the mean of
its calls.  Spans and metrics go nowhere: to send them costs what the exporter
costs.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import tempfile
from collections import defaultdict
from collections.abc import (
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

import attrs
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import (
    BatchSpanProcessor,
    SpanExporter,
    SpanExportResult,
)
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from sesamy_async import (
    AsyncSesamy,
    Middleware,
    NewContract,
    Sesamy,
    StaticToken,
)
from sesamy_async.otel import Telemetry

from .machine import Cores, machine, pin, versions
from .pairing import Matched, Spread, orders, ratios
from .payload import BEARER, ORDER, PROMO, VENDOR, Target
from .report import table
from .serving import compiled, serving


WITHOUT = "without"
API_ONLY = "no provider (API only)"
SOME = "SDK, 1 % of the calls traced"
ALL = "SDK, all calls traced"
BOUNDS = {API_ONLY: 1.06, SOME: 1.15}
_SEED = 20261129


@attrs.frozen
class Scale:
    """How much is measured.

    Attributes:
        blocks: Of each.
        calls: In a block.
        warm: Calls before the first block.
    """

    blocks: int
    calls: int
    warm: int


class _Nowhere(SpanExporter):
    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        del spans
        return SpanExportResult.SUCCESS


class _Providers:
    """What an application sets up."""

    def __init__(self, share: float) -> None:
        self.tracers = TracerProvider(ParentBasedTraceIdRatio(share))
        self.tracers.add_span_processor(BatchSpanProcessor(_Nowhere()))
        self.meters = MeterProvider([InMemoryMetricReader()])
        self.telemetry = Telemetry(
            tracer_provider=self.tracers, meter_provider=self.meters
        )

    def flush(self) -> None:
        """Hand over all spans, so that nobody else's time is taken."""
        self.tracers.force_flush()

    def close(self) -> None:
        """End the threads."""
        self.tracers.shutdown()
        self.meters.shutdown()


def main(given: Sequence[str] | None = None) -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser("python -m benchmarks.telemetry")
    parser.add_argument("--short", action="store_true")
    short = parser.parse_args(given).short
    scale = Scale(3, 3, 2) if short else Scale(200, 20, 200)
    where = machine()
    cores = Cores.choose()
    pin(cores.client)
    with (
        tempfile.TemporaryDirectory() as folder,
        serving(cores.server, program=compiled(Path(folder))) as target,
        ExitStack() as stack,
    ):
        providers = {SOME: _Providers(0.01), ALL: _Providers(1.0)}
        for each in providers.values():
            stack.callback(each.close)
        telling: dict[str, list[Middleware]] = {
            WITHOUT: [],
            API_ONLY: [Telemetry()],
            **{name: [each.telemetry] for name, each in providers.items()},
        }
        flush = {name: each.flush for name, each in providers.items()}
        rows = [
            *_rows(
                "asyncio",
                asyncio.run(_awaited(target, telling, flush, scale)),
                telling,
            ),
            *_rows(
                "blocking",
                _blocking(target, telling, flush, scale),
                telling,
            ),
        ]
    packages = versions(["opentelemetry-api", "opentelemetry-sdk"])
    print(
        f"{where['implementation']} {where['python']}, {where['system']} "
        f"{where['architecture']}, {where['cores']} cores, "
        f"{', '.join(f'{name} {packages[name]}' for name in packages)}.\n"
    )
    head = ["client", "telemetry", "ms a call", "÷ without", "quartiles"]
    print(table([*head, "blocks", "bound", "reached"], rows))


def _settings(target: Target, middleware: Sequence[Middleware]) -> Any:
    return {
        "vendor_id": VENDOR,
        "auth": StaticToken(BEARER),
        "base_url": target.base_url,
        "rate_limit": None,
        "middleware": middleware,
    }


_Telling = dict[str, list[Middleware]]
_Flush = dict[str, Callable[[], None]]


async def _awaited(
    target: Target, telling: _Telling, flush: _Flush, scale: Scale
) -> Matched:
    order = NewContract.from_dict(ORDER)
    async with AsyncExitStack() as stack:
        calls: dict[str, Callable[[], Awaitable[object]]] = {}
        for name, middleware in telling.items():
            client = await stack.enter_async_context(
                AsyncSesamy(**_settings(target, middleware))
            )

            def call(client: AsyncSesamy = client) -> Awaitable[object]:
                return client.contracts.create(PROMO, order)

            calls[name] = call
            for _ in range(scale.warm):
                await call()
        series: Matched = defaultdict(list)
        for name in _turns(calls, scale):
            took: list[float] = []
            for _ in range(scale.calls):
                start = perf_counter()
                await calls[name]()
                took.append(perf_counter() - start)
            flush.get(name, _nothing)()
            series[name].append(mean(took))
    return series


def _blocking(
    target: Target, telling: _Telling, flush: _Flush, scale: Scale
) -> Matched:
    order = NewContract.from_dict(ORDER)
    with ExitStack() as stack:
        clients = {
            name: stack.enter_context(Sesamy(**_settings(target, middleware)))
            for name, middleware in telling.items()
        }
        for client in clients.values():
            for _ in range(scale.warm):
                client.contracts.create(PROMO, order)
        series: Matched = defaultdict(list)
        for name in _turns(clients, scale):
            create = clients[name].contracts.create
            took: list[float] = []
            for _ in range(scale.calls):
                start = perf_counter()
                create(PROMO, order)
                took.append(perf_counter() - start)
            flush.get(name, _nothing)()
            series[name].append(mean(took))
    return series


def _turns(named: dict[str, Any], scale: Scale) -> Iterator[str]:
    """Yield whose turn it is; nobody pays for the garbage of another."""
    gc.collect()
    gc.freeze()
    for order in orders([*named], scale.blocks, _SEED):
        for name in order:
            gc.collect()
            yield name


def _nothing() -> None:
    """Without spans, there are none to hand over."""


def _rows(client: str, series: Matched, names: Iterable[str]) -> list[Any]:
    rows: list[Any] = []
    for name in names:
        spread = Spread.of(ratios(series[name], series[WITHOUT]))
        bound = BOUNDS.get(name)
        reached = bound and ("yes" if spread.median <= bound else "no")
        rows.append(
            [
                *(client, name, f"{1_000 * median(series[name]):.3f}"),
                f"{spread.median:.3f}",
                f"{spread.q1:.3f} to {spread.q3:.3f}",
                f"{spread.count}",
                *(f"≤ {bound}" if bound else "", reached or ""),
            ]
        )
    return rows


if __name__ == "__main__":
    main()
