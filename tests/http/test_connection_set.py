"""The set of connections: last in first out, capped, fair."""

from __future__ import annotations

import itertools
import math

import anyio
import anyio.lowlevel
import attrs
import pytest

from sesamy_async._call import AnyioRuntime, Runtime
from sesamy_async._http import Pool
from support.runtime import FakeRuntime


@attrs.frozen
class Line:
    """A connection that is just a name."""

    name: str
    open: bool = True

    def usable(self) -> bool:
        """Whether it is still open."""
        return self.open


def make(
    cap: int = 2, idle: float = 4.0, runtime: Runtime | None = None
) -> Pool[Line]:
    """Return a set of connections that are just names: c1, c2, ..."""
    numbers = itertools.count(1)
    return Pool(
        lambda: Line(f"c{next(numbers)}"),
        runtime or FakeRuntime(),
        cap=cap,
        idle=idle,
    )


async def test_last_in_first_out() -> None:
    """The connection that was used last is used next."""
    connections = make()
    first = await connections.acquire(math.inf)
    second = await connections.acquire(math.inf)
    assert first
    assert second
    connections.release(first)
    connections.release(second)

    assert second == await connections.acquire(math.inf)


async def test_interrupted_while_it_looks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C takes no connection with it."""

    def interrupt(_: Line) -> bool:
        raise KeyboardInterrupt

    connections = make()
    first = await connections.acquire(math.inf)
    assert first
    connections.release(first)
    with monkeypatch.context() as patch:
        patch.setattr(Line, "usable", interrupt)
        with pytest.raises(KeyboardInterrupt):
            await connections.acquire(math.inf)

    assert first == await connections.acquire(math.inf)


async def test_idle_is_not_used_again() -> None:
    """What was idle too long is closed, and a new one is made."""
    runtime = FakeRuntime()
    connections = make(runtime=runtime)
    first = await connections.acquire(math.inf)
    assert first
    connections.release(first)
    runtime.time += 4.0

    assert Line("c2") == await connections.acquire(math.inf)
    assert ([Line("c1")], []) == (connections.stale(), connections.stale())
    assert 1 == connections.count


async def test_not_yet_idle() -> None:
    """What was idle for less is used again."""
    runtime = FakeRuntime()
    connections = make(runtime=runtime)
    first = await connections.acquire(math.inf)
    assert first
    connections.release(first)
    runtime.time += 3.9

    assert first == await connections.acquire(math.inf)


async def test_cap() -> None:
    """Over the cap, a call waits until its deadline and gets nothing."""
    connections = make(cap=1, runtime=AnyioRuntime())
    await connections.acquire(math.inf)
    deadline = AnyioRuntime().now() + 0.01

    assert None is await connections.acquire(deadline)
    assert 0 == connections.waiting


async def wait_for(connections: Pool[Line], waiting: int) -> None:
    """Let others run until so many wait."""
    with anyio.fail_after(5):
        while connections.waiting != waiting:
            await anyio.lowlevel.checkpoint()


async def test_fair() -> None:
    """Who waits longest is served first, with the very connection."""
    connections = make(cap=1)
    first = await connections.acquire(math.inf)
    assert first
    served: list[tuple[int, Line | None]] = []

    async def take(number: int) -> None:
        connection = await connections.acquire(math.inf)
        served.append((number, connection))
        assert connection
        connections.release(connection)

    async with anyio.create_task_group() as tasks:
        for number in range(3):
            tasks.start_soon(take, number)
            await wait_for(connections, number + 1)
        connections.release(first)

    assert [(0, Line("c1")), (1, Line("c1")), (2, Line("c1"))] == served


@pytest.mark.parametrize("discarded", [False, True])
async def test_some_go_first(discarded: bool) -> None:
    """Who completes something goes before who has waited for longer."""
    connections = make(cap=1)
    held = await connections.acquire(math.inf)
    assert held
    served: list[str] = []

    async def take(name: str) -> None:
        connection = await connections.acquire(
            math.inf, first=name.startswith("first")
        )
        served.append(name)
        assert connection
        connections.release(connection)

    async with anyio.create_task_group() as tasks:
        for number, name in enumerate(["a", "b", "first a", "first b"]):
            tasks.start_soon(take, name)
            await wait_for(connections, number + 1)
        if discarded:
            connections.discard()
        else:
            connections.release(held)

    assert ["first a", "first b", "a", "b"] == served


async def test_who_goes_first_may_leave() -> None:
    """Whoever leaves the one queue or the other is no longer in it."""
    connections = make(cap=1, runtime=AnyioRuntime())
    held = await connections.acquire(math.inf)
    assert held
    soon = AnyioRuntime().now() + 0.01

    assert None is await connections.acquire(soon, first=True)
    with anyio.CancelScope() as scope:
        scope.cancel()
        await connections.acquire(math.inf, first=True)

    assert 0 == connections.waiting


async def test_discarded_makes_room() -> None:
    """In place of a discarded connection, who waits makes a new one."""
    connections = make(cap=1)
    await connections.acquire(math.inf)
    served: list[Line | None] = []

    async def take() -> None:
        served.append(await connections.acquire(math.inf))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        await wait_for(connections, 1)
        connections.discard()

    assert ([Line("c2")], 1) == (served, connections.count)


async def test_discarded_without_waiters() -> None:
    """A discarded connection no longer counts."""
    connections = make(cap=1)
    await connections.acquire(math.inf)
    connections.discard()

    assert 0 == connections.count
    assert Line("c2") == await connections.acquire(math.inf)


async def test_leaves_the_queue() -> None:
    """A call that is cancelled while it waits is no longer served."""
    connections = make(cap=1)
    first = await connections.acquire(math.inf)
    assert first
    with anyio.CancelScope() as scope:
        scope.cancel()
        await connections.acquire(math.inf)
    connections.release(first)

    assert 0 == connections.waiting
    assert Line("c1") == await connections.acquire(math.inf)


@pytest.mark.parametrize("discarded", [False, True])
async def test_cancelled_with_its_turn(discarded: bool) -> None:
    """Who is cancelled when the turn has come passes it on."""
    connections = make(cap=1)
    first = await connections.acquire(math.inf)
    assert first
    scope = anyio.CancelScope()
    served: list[Line | None] = []

    async def leave() -> None:
        with scope:
            await connections.acquire(math.inf)

    async def take() -> None:
        served.append(await connections.acquire(math.inf))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(leave)
        await wait_for(connections, 1)
        tasks.start_soon(take)
        await wait_for(connections, 2)
        scope.cancel()
        if discarded:
            connections.discard()
        else:
            connections.release(first)

    expected = Line("c2" if discarded else "c1")

    assert ([expected], 1) == (
        served,
        connections.count,
    )


async def test_failing_to_make() -> None:
    """A connection that can't be made takes no place."""

    def fail() -> Line:
        raise OSError("no more")

    connections = Pool(fail, FakeRuntime(), cap=1, idle=4.0)
    for _ in range(2):
        with pytest.raises(OSError, match="no more"):
            await connections.acquire(math.inf)

    assert 0 == connections.count


async def test_drained() -> None:
    """Only free connections are taken out to be closed."""
    connections = make()
    first = await connections.acquire(math.inf)
    await connections.acquire(math.inf)
    assert first
    connections.release(first)

    assert ([Line("c1")], 1) == (connections.drain(), connections.count)


async def test_closed_while_it_rested() -> None:
    """What the server closed meanwhile is not used again."""
    lines = iter([Line("c1", open=False), Line("c2")])
    connections = Pool(lambda: next(lines), FakeRuntime(), cap=1, idle=4.0)
    first = await connections.acquire(math.inf)
    assert first
    connections.release(first)

    assert Line("c2") == await connections.acquire(math.inf)
    assert [first] == connections.stale()
    assert 1 == connections.count


async def test_handed_over_closed() -> None:
    """Who waits is not given what the server has closed, or spoiled."""
    lines = iter([Line("c1", open=False), Line("c2")])
    connections = Pool(lambda: next(lines), FakeRuntime(), cap=1, idle=4.0)
    first = await connections.acquire(math.inf)
    assert first
    served: list[Line | None] = []

    async def take() -> None:
        served.append(await connections.acquire(math.inf))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(take)
        with anyio.fail_after(5):
            while not connections.waiting:
                await anyio.lowlevel.checkpoint()
        connections.release(first)

    assert [Line("c2")] == served
    assert ([first], 1) == (connections.stale(), connections.count)
