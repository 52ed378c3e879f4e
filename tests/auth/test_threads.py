"""One token for all threads of the blocking client, and after a fork."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor

import attrs
import pytest

from sesamy_async._call import BlockingRuntime, Call, Response, drive
from sesamy_async._call.runtime import BlockingEvent
from sesamy_async.auth import ClientCredentials, TokenAuth
from sesamy_async.errors import APIError, AuthenticationError
from support.exchanges import a_call


THREADS = 32


@attrs.frozen
class CountedEvent(BlockingEvent):
    """An event that counts its waits."""

    waiting: list[int] = attrs.field(kw_only=True)

    async def wait(self, seconds: float) -> bool:
        """Count, and block."""
        self.waiting.append(1)
        return await super().wait(seconds)


@attrs.frozen
class Blocking(BlockingRuntime):
    """A runtime that counts the waits for its events."""

    waiting: list[int] = attrs.field(factory=list)

    def event(self) -> CountedEvent:
        """Make an event."""
        return CountedEvent(waiting=self.waiting)


def make(
    act: Callable[[int], object],
) -> tuple[TokenAuth, Blocking, list[int]]:
    """Return an auth, its runtime, and the numbers of its token calls."""
    runtime = Blocking()
    calls: list[int] = []

    async def exchange(call: Call) -> Response:
        del call
        calls.append(1)
        number = len(calls)
        act(number)
        data = {"access_token": f"token-{number}", "expires_in": 3600}
        return Response(status_code=200, content=json.dumps(data).encode())

    auth = TokenAuth(
        ClientCredentials("id", "s"), "https://t", runtime, exchange
    )
    return auth, runtime, calls


def ask(auth: TokenAuth) -> object:
    """Return the authorization, or the type of the error."""
    call = a_call(deadline=time.monotonic() + 10)
    try:
        return drive(auth.authorization(call))
    except AuthenticationError as error:
        return type(error)


def until(condition: Callable[[], bool]) -> None:
    """Wait for other threads, ten seconds at most."""
    end = time.monotonic() + 10
    while not condition() and time.monotonic() < end:
        time.sleep(0.001)


@pytest.mark.parametrize("failing", [False, True])
def test_many_threads_make_one_token_call(failing: bool) -> None:
    """The others wait for its end, whether it succeeds or fails."""

    def act(number: int) -> None:
        until(lambda: len(runtime.waiting) == THREADS - 1)
        if failing:
            raise APIError("x", status_code=400 + number)

    auth, runtime, calls = make(act)
    with ThreadPoolExecutor(THREADS) as pool:
        ends = list(pool.map(lambda _: ask(auth), range(THREADS)))

    expected = AuthenticationError if failing else "Bearer token-1"
    asked = 2 if failing else 1
    assert ([expected] * THREADS, asked) == (ends, len(calls))


def test_threads_that_race_make_one_token_call() -> None:
    """None begins another one just after the first has ended."""
    for _ in range(20):
        auth, _runtime, calls = make(lambda _: None)
        start = threading.Barrier(8)

        def run(auth: TokenAuth, start: threading.Barrier) -> object:
            start.wait(60)
            return ask(auth)

        with ThreadPoolExecutor(8) as pool:
            ends = {*pool.map(run, [auth] * 8, [start] * 8, timeout=60)}

        assert ({"Bearer token-1"}, 1) == (ends, len(calls))


def test_a_token_that_comes_before_the_lead_is_seen() -> None:
    """The leader looks for a token again before it requests one."""
    auth, _, calls = make(lambda _: None)
    ask(auth)
    found, auth._token = auth._token, None
    scope = Blocking.scope

    class Racing(Blocking):
        def scope(self) -> Hashable:
            auth._token = found
            return scope(self)

    auth._runtime = Racing()

    assert (ask(auth), len(calls)) == ("Bearer token-1", 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_in_the_middle_of_a_flight_leaves_no_lock() -> None:
    """The child does not wait for a thread that it does not have."""
    release = threading.Event()
    auth, _, calls = make(lambda n: release.wait(10) if n == 1 else None)
    with ThreadPoolExecutor(1) as pool:
        leader = pool.submit(ask, auth)
        until(lambda: bool(calls))
        child = os.fork()
        if not child:  # pragma: no cover - another process
            os._exit(0 if ask(auth) == "Bearer token-2" else 1)
        _, status = os.waitpid(child, 0)
        release.set()

        assert (status, leader.result(10)) == (0, "Bearer token-1")
