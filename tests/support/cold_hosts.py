"""Hosts that have no token yet: processes that send orders when told to.

``python -m support.cold_hosts COUNT LEAD`` forks so many, so that none of
them waits for imports, and writes their ids in a line.  Each line of its
input says how many of them are to send an order at the same time, the first
ones or (negative) the last ones.  Each answers with a line: whether it did.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import attrs

from sesamy_async import (
    AsyncSesamy,
    ClientCredentials,
    NewContract,
    Sesamy,
    SesamyError,
    StaticToken,
)
from sesamy_async.auth import _tokens
from sesamy_async.redis import RedisTokenStore
from sesamy_async.sandbox import Sandbox, running

from .calling import ORDER


_REDIS = "COLD_HOSTS_REDIS"
_LOOPS = ("asyncio", "trio")
_SENT = "y\n"
_ROOT = Path(__file__).parents[2]


@attrs.frozen
class ColdHosts:
    """Such processes, from outside."""

    _process: subprocess.Popen[str]
    pids: list[int]

    def begin(self, count: int) -> None:
        """Let the first ones, or (negative) the last ones, send an order."""
        assert self._process.stdin
        self._process.stdin.write(f"{count}\n")
        self._process.stdin.flush()

    def sent(self, count: int) -> int:
        """Wait for so many; return how many of them did."""
        lines = self._process.stdout
        assert lines
        return [lines.readline() for _ in range(count)].count(_SENT)


@contextmanager
def cold_hosts(
    sandbox: Sandbox, redis_url: str, count: int, lead: float = 3.0
) -> Iterator[ColdHosts]:
    """Serve a sandbox, and start hosts."""
    with (
        running(sandbox) as url,
        subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-m", __name__, str(count), str(lead)],
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                **sandbox.environment(url),
                "PYTHONPATH": os.pathsep.join([f"{_ROOT}/tests", str(_ROOT)]),
                _REDIS: redis_url,
            },
        ) as process,
    ):
        assert process.stdout
        pids = [int(each) for each in process.stdout.readline().split()]
        yield ColdHosts(process, pids)


def _main(count: int, lead: float) -> None:
    _tokens._LONGEST_LEAD = lead
    _warm_up()
    hosts: dict[int, int] = {}  # By their ids: how they are told to go.
    for number in range(count):
        go, tell_to_go = os.pipe()
        if not (child := os.fork()):
            for each in (*hosts.values(), tell_to_go):
                os.close(each)
            _host(number, go)
            os._exit(0)
        os.close(go)
        hosts[child] = tell_to_go
    _say(f"{' '.join(map(str, hosts))}\n")
    for line in sys.stdin:
        some = int(line)
        chosen = slice(some) if some > 0 else slice(some, None)
        for each in [*hosts.values()][chosen]:
            os.write(each, b"x")
    for each in hosts.values():
        os.close(each)
    for each in hosts:
        os.waitpid(each, 0)


def _say(line: str) -> None:
    os.write(1, line.encode())


def _warm_up() -> None:
    """Load what the hosts need; none of them has a token by that."""
    settings: dict[str, Any] = {"auth": StaticToken("x"), "rate_limit": None}
    with Sesamy(**settings) as client:
        client.ready()

    async def connect() -> None:
        sandbox = Sandbox()
        async with (
            AsyncSesamy(**settings) as client,
            AsyncSesamy(**sandbox.client_settings()) as other,
        ):
            await client.ready()
            await other.contracts.create(*_order("warm"))

    for each in _LOOPS:
        anyio.run(connect, backend=each)


def _order(order_id: str) -> tuple[str, NewContract]:
    return "SPRING-12", attrs.evolve(ORDER, external_order_id=order_id)


def _host(number: int, go: int) -> None:
    """Send an order with each byte that comes, until no more can come."""
    store = RedisTokenStore(os.environ[_REDIS])
    credentials = ClientCredentials(
        os.environ["SESAMY_CLIENT_ID"],
        os.environ["SESAMY_CLIENT_SECRET"],
        store=store,
    )
    order = _order(f"{number}")

    async def send() -> None:
        async with AsyncSesamy(auth=credentials, rate_limit=None) as client:
            while os.read(go, 1):
                with _telling():
                    await client.contracts.create(*order)

    if number % 2:
        anyio.run(send, backend=_LOOPS[number // 2 % 2])
        return
    with Sesamy(auth=credentials, rate_limit=None) as client:
        while os.read(go, 1):
            with _telling():
                client.contracts.create(*order)


@contextmanager
def _telling() -> Iterator[Any]:
    end = "n\n"
    try:
        with suppress(SesamyError):
            yield
            end = _SENT
    finally:
        _say(end)


if __name__ == "__main__":
    _main(int(sys.argv[1]), float(sys.argv[2]))
