"""Jobs: functions that block, run where they hold up nobody."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from sesamy_async._call import AnyioRuntime, BlockingRuntime, drive
from sesamy_async._call.anyio_runtime import ThreadJob, Threads
from sesamy_async._call.runtime import EndedJob
from support.marks import every_loop
from support.patience import until


pytestmark = pytest.mark.anyio


def fail() -> None:
    """Fail."""
    raise LookupError("lost")


async def test_a_job_returns_what_its_function_does(
    anyio_backend: str,
) -> None:
    """Or raises it."""
    del anyio_backend
    runtime = AnyioRuntime()

    assert 5 == await runtime.start(lambda: 5).result(10)
    with pytest.raises(LookupError):
        await runtime.start(fail).result(10)


async def test_a_job_that_has_ended(anyio_backend: str) -> None:
    """Its result is there without any wait, however often it is asked."""
    del anyio_backend
    job = AnyioRuntime().start(threading.get_ident)
    first = await job.result(10)

    assert first == await job.result(0)
    assert first != threading.get_ident()


async def test_a_job_that_takes_too_long(anyio_backend: str) -> None:
    """It is left to itself, and ends all the same."""
    del anyio_backend
    go, ended = threading.Event(), threading.Event()

    def work() -> int:
        go.wait(30)
        ended.set()
        return 7

    job = AnyioRuntime().start(work)
    with pytest.raises(TimeoutError):
        await job.result(0.01)
    go.set()

    assert 7 == await job.result(10)
    assert ended.is_set()


async def test_a_job_begins_before_any_cancellation(
    anyio_backend: str,
) -> None:
    """A task that is cancelled already can still begin one."""
    del anyio_backend
    ended = threading.Event()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await AnyioRuntime().start(ended.set).result(10)
        await anyio.lowlevel.checkpoint()

    assert ended.wait(10)


@every_loop
def test_a_loop_that_is_over(backend: str) -> None:
    """A job that ends after its loop did disturbs nobody."""
    go = threading.Event()
    jobs: list[Any] = []

    async def main() -> None:
        jobs.append(AnyioRuntime().start(lambda: go.wait(30)))
        with pytest.raises(TimeoutError):
            await jobs[0].result(0.01)

    anyio.run(main, backend=backend)
    go.set()
    until(jobs[0]._future.done)

    assert jobs[0]._future.result()


def test_threads_after_a_fork() -> None:
    """A child makes threads of its own."""
    threads = Threads()
    first = threads.submit(threading.get_ident)
    threads.submit(threading.get_ident)
    pool = threads._pool
    threads.after_fork()
    second = threads.submit(threading.get_ident)

    assert first.result(10)
    assert second.result(10)
    assert pool is not threads._pool


async def test_no_thread_can_begin(
    anyio_backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the end of the interpreter, the job has failed."""
    del anyio_backend

    def refuse(*_: object) -> None:
        raise RuntimeError("cannot schedule new futures")

    monkeypatch.setattr(Threads, "submit", refuse)
    job = AnyioRuntime().start(lambda: 5)

    assert not isinstance(job, ThreadJob)
    with pytest.raises(RuntimeError, match="cannot schedule"):
        await job.result(1)


def test_a_job_of_the_blocking_client() -> None:
    """It is done in the thread of the call, before anybody asks for it."""
    job = BlockingRuntime().start(threading.get_ident)
    failed = BlockingRuntime().start(fail)

    assert isinstance(job, EndedJob)
    assert threading.get_ident() == drive(job.result(0))
    with pytest.raises(LookupError):
        drive(failed.result(0))


def test_ctrl_c_in_a_job_of_the_blocking_client() -> None:
    """It is not kept for later."""

    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        BlockingRuntime().start(interrupt)


def test_a_run_of_trio_that_is_over() -> None:
    """Its connections can't be used any more."""
    runtime = AnyioRuntime()

    async def main() -> Hashable:
        scope = runtime.scope()

        assert runtime.alive(scope)
        return scope

    assert not runtime.alive(anyio.run(main, backend="trio"))


def test_the_process_of_the_blocking_client() -> None:
    """Its connections can be used in it, and in no other one."""
    runtime = BlockingRuntime()

    assert runtime.alive(runtime.scope())
    assert not runtime.alive(os.getppid())
