"""With any provider, with none, and without the packages."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.sampling import Sampler

from sesamy_async import ConfigurationError
from sesamy_async.otel import Telemetry
from support.calling import World, create
from support.fault_server import FaultServer
from support.faults import good
from support.marks import every_world
from support.programs import run
from support.telemetry import Told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tracer_provider": object()}, "tracer_provider must be an OpenTel"),
        ({"meter_provider": "m"}, "MeterProvider, not str"),
        ({"propagate": 1}, "propagate must be True or False"),
    ],
)
def test_impossible_arguments(options: Any, words: str) -> None:
    """They are refused where they are given."""
    with pytest.raises(ConfigurationError, match=words):
        Telemetry(**options)


@every_world
def test_no_provider(world: World) -> None:
    """Calls are made as without it."""
    with FaultServer([], good) as server:
        ending = world.one(
            create, base_url=server.url, middleware=[Telemetry()]
        )

    assert "c-1" == ending.value.id


class Broken(SpanProcessor):
    """Fails at the end of each span."""

    def on_end(self, span: Any) -> None:
        """Fail, with a word that is nobody's business."""
        del span
        raise OSError("kim@example.se")


class Choosy(Sampler):
    """Fails at the start of each span."""

    def should_sample(self, *_: Any, **__: Any) -> Any:
        """Fail."""
        raise OSError("kim@example.se")

    def get_description(self) -> str:
        """Return nothing."""
        return ""


@every_world
@pytest.mark.parametrize("when", ["start", "end"])
def test_a_provider_that_fails(
    when: str, world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """It does not fail a sale."""
    told = Told(Choosy()) if when == "start" else Told()
    told.tracers.add_span_processor(Broken())
    with FaultServer([], good) as server:
        ending = world.one(
            create, base_url=server.url, middleware=[told.telemetry]
        )

    assert "c-1" == ending.value.id
    assert "Telemetry failed with OSError." in caplog.text
    assert "kim" not in caplog.text


CALLS = """
import asyncio, sys
sys.modules["opentelemetry.sdk"] = None
from sesamy_async import AsyncSesamy, Sesamy
from sesamy_async.otel import Telemetry
from sesamy_async.sandbox import Sandbox
from support.calling import ORDER as order
sandbox = Sandbox()
def settings():
    return {
        **sandbox.client_settings(),
        "middleware": [Telemetry(propagate=True)],
    }
with Sesamy(**settings()) as client:
    print(client.contracts.onboard("SPRING-12", order).contract.id)
async def main():
    async with AsyncSesamy(**settings()) as client:
        print((await client.contracts.onboard("SPRING-12", order)).contract.id)
asyncio.run(main())
"""

SET_LATER = """
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import (
    InMemorySpanExporter,
)
from sesamy_async import Sesamy
from sesamy_async.otel import Telemetry
from support.calling import complete, create
from support.fault_server import FaultServer
from support.faults import good
telemetry = Telemetry()
exporter, reader = InMemorySpanExporter(), InMemoryMetricReader()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exporter))
trace.set_tracer_provider(provider)
metrics.set_meter_provider(MeterProvider([reader]))
with FaultServer([], good) as server:
    settings = complete({"base_url": server.url, "middleware": [telemetry]})
    with Sesamy(**settings) as client:
        create(client)
[span] = exporter.get_finished_spans()
print(span.name, len(reader.get_metrics_data().resource_metrics))
"""

MISSING = """
import sys
sys.modules["opentelemetry"] = None
import sesamy_async.otel
"""

LOADED = """
import sys
import sesamy_async
sesamy_async.Sesamy, sesamy_async.AsyncSesamy
print([each for each in sys.modules if each.startswith("opentelemetry")])
"""


def ran(program: str) -> Any:
    """Run a program with the tests' own path."""
    paths = {"PYTHONPATH": ":".join(sys.path), "PYTHONWARNINGS": "error"}
    return run(["-c", program], {**os.environ, **paths})


def test_without_the_sdk() -> None:
    """The API alone is enough."""
    done = ran(CALLS)

    assert "" == done.stderr
    assert 2 == len(done.stdout.splitlines())


def test_a_provider_that_is_set_later() -> None:
    """As `opentelemetry-instrument` or a framework may do."""
    done = ran(SET_LATER)

    assert ("contracts.create 1\n", "") == (done.stdout, done.stderr)


def test_without_the_api() -> None:
    """The error says what to install."""
    words = ran(MISSING).stderr.splitlines()[-1]

    assert "ConfigurationError" in words
    assert "pip install 'sesamy-async[otel]'" in words


def test_others_do_not_load_it() -> None:
    """Neither an import of the package nor a client needs it."""
    assert "[]\n" == ran(LOADED).stdout
