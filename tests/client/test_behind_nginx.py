"""What a real gateway before Sesamy makes of answers is never believed.

The gateway is nginx, where it is installed (``apt-get install nginx-light``);
what is tried here is also tried elsewhere, without it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import httpx
import pytest

from sesamy_async import Outcome, RetryPolicy, UnreadableResponseError
from sesamy_async.bulk import Ending as HowItEnded
from sesamy_async.sandbox import Sandbox, SandboxConfig, running
from support.calling import ORDER, Operation, World
from support.import_world import World as Import
from support.marks import every_world
from support.ports import closed_port
from support.sandbox_settings import arguments
from support.sources import listed


NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
pytestmark = pytest.mark.skipif(
    NGINX is None, reason="nginx is not installed: nothing real is tried"
)

PATIENCE = 10.0
QUICK = RetryPolicy(base=0.0)
APOLOGY = "proxy_intercept_errors on; error_page 502 503 504 =200 /sorry.html;"
CACHE = (
    "proxy_cache answers; proxy_cache_methods POST; "
    "proxy_cache_key $request_uri; proxy_cache_valid any 10m; "
    "proxy_ignore_headers Cache-Control Expires Vary;"
)
CONFIGURATION = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 64; }}
http {{
    access_log off;
    default_type text/html;
    client_body_temp_path {folder}/client;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    proxy_cache_path {folder}/cache keys_zone=answers:1m;
    server {{
        listen 127.0.0.1:{port};
        location = /sorry.html {{ root {folder}; }}
        location / {{ proxy_pass {upstream}; {rules} }}
    }}
}}
"""


@attrs.frozen
class Gateway:
    """A sandbox behind nginx.

    Attributes:
        sandbox: The judge.
        url: Where nginx listens.
    """

    sandbox: Sandbox
    url: str

    @property
    def settings(self) -> dict[str, Any]:
        """Those of a client that goes through it."""
        environment = self.sandbox.environment(self.url)
        return {**arguments(environment), "retry": QUICK}

    def contracts(self, *names: str) -> list[int]:
        """Return how many contracts each order has."""
        return [self.sandbox.ledger.count(name) for name in names]

    def confirmed(self, *names: str) -> list[int]:
        """Return how many confirmed contracts each order has."""
        ledger = self.sandbox.ledger
        return [len(ledger.confirmed(name)) for name in names]


@contextmanager
def gateway(folder: Path, rules: str) -> Iterator[Gateway]:
    """Serve a sandbox behind an nginx with these rules."""
    assert NGINX is not None
    with closed_port() as port:
        pass
    (folder / "sorry.html").write_text("<p>We are back soon.</p>")
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    with running(sandbox) as upstream:
        configuration = folder / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(
                folder=folder, port=port, upstream=upstream, rules=rules
            )
        )
        process = subprocess.Popen(  # noqa: S603 - ours
            [NGINX, "-p", folder, "-c", configuration],
            stderr=subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            wait_for(f"{url}/sorry.html", process)
            yield Gateway(sandbox, url)
        finally:
            process.terminate()
            process.wait(PATIENCE)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until somebody answers."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            httpx.get(url, trust_env=False).raise_for_status()
        except httpx.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("nginx does not come up")


@pytest.fixture
def apologetic(tmp_path: Path) -> Iterator[Gateway]:
    """Return a gateway that puts a page and a 200 on what fails."""
    with gateway(tmp_path, APOLOGY) as behind:
        yield behind


@pytest.fixture
def caching(tmp_path: Path) -> Iterator[Gateway]:
    """Return a gateway that keeps the answers to POST by URL."""
    with gateway(tmp_path, CACHE) as behind:
        yield behind


def onboarded(name: str) -> Operation:
    """Return an onboarding of the order with this id."""
    order = attrs.evolve(ORDER, external_order_id=name)
    return lambda client: client.contracts.onboard("SPRING-12", order)


def created(name: str) -> Operation:
    """Return a create, confirmed at once, of the order with this id."""
    order = attrs.evolve(ORDER, external_order_id=name)
    return lambda client: client.contracts.create(
        "SPRING-12", order, confirm=True
    )


@every_world
@pytest.mark.parametrize(
    ("fault", "count"), [("status:503", 0), ("status:503+applied", 1)]
)
def test_a_page_before_a_create(
    apologetic: Gateway, world: World, fault: str, count: int
) -> None:
    """A create that gets one is sent once, and is UNKNOWN."""
    apologetic.sandbox.faults.add(fault, on="create")
    ending = world.one(created("A"), **apologetic.settings)

    assert (UnreadableResponseError, Outcome.UNKNOWN, 1) == ending.facts
    assert [count] == apologetic.contracts("A")


@every_world
@pytest.mark.parametrize("on", ["create", "confirm"])
def test_a_page_that_goes_away(
    apologetic: Gateway, world: World, on: str
) -> None:
    """An onboarding goes on until it gets answers, and is confirmed."""
    apologetic.sandbox.faults.add("status:503", times=2, on=on)
    ending = world.one(onboarded("A"), **apologetic.settings)

    assert ending.value is not None
    assert [1] == apologetic.confirmed("A")


@every_world
def test_a_page_before_a_confirm(apologetic: Gateway, world: World) -> None:
    """An onboarding that gets nothing else is not confirmed."""
    apologetic.sandbox.faults.add("status:503", times=99, on="confirm")
    ending = world.one(onboarded("A"), **apologetic.settings)

    assert (UnreadableResponseError, Outcome.UNKNOWN, 5) == ending.facts
    assert ([1], [0]) == (
        apologetic.contracts("A"),
        apologetic.confirmed("A"),
    )


async def test_an_import_behind_a_page(
    apologetic: Gateway, tmp_path: Path
) -> None:
    """It stops as in any outage; when that is over, it goes on."""
    imported = Import(
        folder=tmp_path, source=listed(5), sandbox=apologetic.sandbox
    )
    through = {**apologetic.settings, "transport": None}
    apologetic.sandbox.faults.add("status:503", times=10_000, on="confirm")
    stopped = await imported.run(patience=100.0, **through)
    before = imported.confirmed()
    apologetic.sandbox.faults.clear()
    done = await imported.run(**through)

    assert (HowItEnded.OUTAGE, 0, [0] * 5) == (
        stopped.ending,
        stopped.confirmed,
        before,
    )
    assert (HowItEnded.COMPLETE, 5) == (done.ending, done.confirmed)
    assert [1] * 5 == imported.confirmed()


@every_world
def test_a_cache_for_post(caching: Gateway, world: World) -> None:
    """Of five orders, one is confirmed; of the others, nobody knows."""
    names = "ABCDE"
    endings = world.run([onboarded(n) for n in names], **caching.settings)

    assert [None] + [Outcome.UNKNOWN] * 4 == [e.outcome for e in endings]
    assert [1, 0, 0, 0, 0] == caching.confirmed(*names)
