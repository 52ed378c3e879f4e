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
from sesamy_async.sandbox import Sandbox, SandboxConfig, running
from support.calling import ORDER, Operation, World
from support.marks import every_world
from support.ports import closed_port
from support.sandbox_settings import arguments


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


@contextmanager
def gateway(
    folder: Path, rules: str
) -> Iterator[tuple[Sandbox, dict[str, Any]]]:
    """Yield a sandbox behind nginx, and the settings of a client of it."""
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
            settings = arguments(sandbox.environment(url))
            yield sandbox, {**settings, "retry": QUICK}
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


def created(client: Any) -> Any:
    """Create an order that the sandbox takes."""
    return client.contracts.create("SPRING-12", ORDER)


def onboarded(name: str) -> Operation:
    """Return an onboarding of the order with this id."""
    order = attrs.evolve(ORDER, external_order_id=name)
    return lambda client: client.contracts.onboard("SPRING-12", order)


@every_world
@pytest.mark.parametrize(
    ("fault", "count"), [("status:503", 0), ("status:503+applied", 1)]
)
def test_a_page_before_a_create(
    world: World, fault: str, count: int, tmp_path: Path
) -> None:
    """A create that gets a page with a 200 is sent once, and is UNKNOWN."""
    with gateway(tmp_path, APOLOGY) as (sandbox, settings):
        sandbox.faults.add(fault, on="create")
        ending = world.one(created, **settings)

    assert (UnreadableResponseError, Outcome.UNKNOWN, 1) == ending.facts
    assert count == sandbox.ledger.total


@every_world
@pytest.mark.parametrize("times", [2, 99])
@pytest.mark.parametrize("on", ["create", "confirm"])
def test_a_page_that_goes_away(
    world: World, on: str, times: int, tmp_path: Path
) -> None:
    """An onboarding goes on until it gets answers; else nobody knows."""
    with gateway(tmp_path, APOLOGY) as (sandbox, settings):
        sandbox.faults.add("status:503", times=times, on=on)
        ending = world.one(onboarded("A"), **settings)

    assert (None if times == 2 else Outcome.UNKNOWN) is ending.outcome
    assert (times == 2) == len(sandbox.ledger.confirmed("A"))


@every_world
def test_a_cache_for_post(world: World, tmp_path: Path) -> None:
    """Of five orders, one is confirmed; of the others, nobody knows."""
    with gateway(tmp_path, CACHE) as (sandbox, settings):
        endings = world.run([onboarded(n) for n in "ABCDE"], **settings)

    assert [None] + [Outcome.UNKNOWN] * 4 == [e.outcome for e in endings]
    assert [1, 0, 0, 0, 0] == [
        len(sandbox.ledger.confirmed(each)) for each in "ABCDE"
    ]
