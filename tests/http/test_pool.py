"""The pool of connections: last in first out, capped, fair."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from typing import Any

import anyio
import anyio.lowlevel
import attrs
import pytest

from sesamy_async._call import AnyioRuntime, Runtime
from sesamy_async._http.pool import Pool
from support.runtime import FakeRuntime


@attrs.frozen
class Line:
    """A connection that is just a name."""

    name: str
    open: bool = True

    def usable(self) -> bool:
        """Whether it is still open."""
        return self.open


C1, C2 = Line("c1"), Line("c2")
CLOSED = Line("c1", open=False)


def make(
    cap: int = 2,
    runtime: Runtime | None = None,
    lines: Iterable[Line] = (C1, C2),
) -> Any:
    """Return a pool that makes these connections in turn."""
    made: Iterator[Any] = iter(lines)
    return Pool(
        lambda: next(made), runtime or FakeRuntime(), cap=cap, idle=4.0
    )


async def take(pool: Pool[Any], *, first: bool = False) -> Any:
    """Take a connection, however long that lasts."""
    connection = await pool.acquire(math.inf, first=first)
    assert connection is not None
    return connection


def give_back(pool: Pool[Any], line: Any, *, discarded: bool) -> None:
    """Give a connection back, or throw it away."""
    if discarded:
        pool.discard()
    else:
        pool.release(line)


async def wait_for(pool: Pool[Any], waiting: int) -> None:
    """Let others run until so many wait."""
    with anyio.fail_after(5):
        while pool.waiting != waiting:
            await anyio.lowlevel.checkpoint()


async def test_last_in_first_out() -> None:
    """The connection that was used last is used next."""
    pool = make()
    first, second = await take(pool), await take(pool)
    pool.release(first)
    pool.release(second)

    assert second is await take(pool)


async def test_interrupted_while_it_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C takes no connection with it."""

    def interrupt(_: Line) -> bool:
        raise KeyboardInterrupt

    pool = make()
    pool.release(await take(pool))
    with monkeypatch.context() as patch:
        patch.setattr(Line, "usable", interrupt)
        with pytest.raises(KeyboardInterrupt):
            await take(pool)

    assert C1 is await take(pool)


@pytest.mark.parametrize(
    ("seconds", "used", "stale"), [(3.9, C1, []), (4.0, C2, [C1])]
)
async def test_idle(seconds: float, used: Line, stale: list[Line]) -> None:
    """What was idle too long is closed, and a new one is created."""
    runtime = FakeRuntime()
    pool = make(runtime=runtime)
    pool.release(await take(pool))
    runtime.time += seconds

    assert used is await take(pool)
    assert (stale, []) == (pool.stale(), pool.stale())
    assert 1 == pool.count


@pytest.mark.parametrize("first", [False, True])
async def test_cap(first: bool) -> None:
    """Over the cap, a call waits until its deadline and gets nothing."""
    pool = make(cap=1, runtime=AnyioRuntime())
    await take(pool)
    deadline = AnyioRuntime().now() + 0.01

    assert None is await pool.acquire(deadline, first=first)
    assert 0 == pool.waiting


@pytest.mark.parametrize("discarded", [False, True])
async def test_who_is_served_first(discarded: bool) -> None:
    """What completes something; then, the call that waits longest."""
    pool = make(cap=1)
    held = await take(pool)
    served: list[tuple[str, Line]] = []

    async def serve(name: str) -> None:
        # What is said of the others is the default.
        ahead = {"first": True} if name.startswith("first") else {}
        line = await pool.acquire(math.inf, **ahead)
        served.append((name, line))
        pool.release(line)

    async with anyio.create_task_group() as tasks:
        for number, name in enumerate(["a", "b", "first a", "first b"]):
            tasks.start_soon(serve, name)
            await wait_for(pool, number + 1)
        give_back(pool, held, discarded=discarded)
    # In place of a discarded connection, a new one is made.
    line = C2 if discarded else C1

    assert [
        ("first a", line),
        ("first b", line),
        ("a", line),
        ("b", line),
    ] == served
    assert 1 == pool.count


async def test_discarded_without_waiters() -> None:
    """A discarded connection no longer counts."""
    pool = make(cap=1)
    await take(pool)
    pool.discard()

    assert 0 == pool.count
    assert C2 is await take(pool)


@pytest.mark.parametrize("first", [False, True])
async def test_leaves_the_queue(first: bool) -> None:
    """A call that is cancelled while it waits is no longer served."""
    pool = make(cap=1)
    held = await take(pool)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await take(pool, first=first)
    pool.release(held)

    assert 0 == pool.waiting
    assert C1 is await take(pool)


@pytest.mark.parametrize("discarded", [False, True])
async def test_cancelled_with_its_turn(discarded: bool) -> None:
    """A call that is cancelled when its turn has come passes it on."""
    pool = make(cap=1)
    held = await take(pool)
    scope = anyio.CancelScope()
    served: list[Line] = []

    async def leave() -> None:
        with scope:
            await take(pool)

    async def serve() -> None:
        served.append(await take(pool))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leave)
        await wait_for(pool, 1)
        tasks.start_soon(serve)
        await wait_for(pool, 2)
        scope.cancel()
        give_back(pool, held, discarded=discarded)

    assert [C2 if discarded else C1] == served
    assert 1 == pool.count


async def test_failing_to_make() -> None:
    """A connection that can't be made takes no place."""

    def fail() -> Any:
        raise OSError("no more")

    pool = Pool(fail, FakeRuntime(), cap=1, idle=4.0)
    for _ in range(2):
        with pytest.raises(OSError, match="no more"):
            await pool.acquire(math.inf)

    assert 0 == pool.count


async def test_drained() -> None:
    """Only free connections are taken out to be closed."""
    pool = make()
    first, _ = await take(pool), await take(pool)
    pool.release(first)

    assert ([C1], 1) == (pool.drain(), pool.count)


@pytest.mark.parametrize("handed_over", [False, True])
async def test_closed_meanwhile(handed_over: bool) -> None:
    """What the server closed is neither used again nor handed over."""
    pool = make(cap=1, lines=[CLOSED, C2])
    held = await take(pool)
    served: list[Line] = []

    async def serve() -> None:
        served.append(await take(pool))

    async with anyio.create_task_group() as tasks:
        if handed_over:
            tasks.start_soon(serve)
            await wait_for(pool, 1)
        pool.release(held)
        if not handed_over:
            await serve()

    assert [C2] == served
    assert ([CLOSED], 1) == (pool.stale(), pool.count)
