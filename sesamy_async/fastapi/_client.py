"""The client of an application, which lives as long as the application."""

from __future__ import annotations

import inspect
import logging
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Mapping,
)
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated, Any, TypeAlias, TypeVar

import anyio
import anyio.abc
import attrs
from fastapi import Depends, FastAPI
from fastapi.requests import HTTPConnection

from sesamy_async._call import RetryPolicy
from sesamy_async._client import AsyncSesamy
from sesamy_async._outcome import Outcome
from sesamy_async.errors import ConfigurationError, SesamyError


_T = TypeVar("_T")
_Lifespan: TypeAlias = Callable[
    [FastAPI], AbstractAsyncContextManager[Mapping[str, Any]]
]
_log = logging.getLogger("sesamy_async")

_CLIENT, _TASKS = "sesamy", "sesamy_tasks"  # In the state of the app.
_WARM_UP = 5.0  # Seconds that a start waits for Sesamy at most.
_LEFT = 1.0  # Seconds for requests to end after the client has.
ONE_TRY = RetryPolicy(attempts=1)


@attrs.frozen(eq=False)
class Tasks:
    """Runs what is to end even if the request that began it is cancelled."""

    group: anyio.abc.TaskGroup

    async def finish(self, function: Callable[[], Awaitable[_T]]) -> _T:
        """Return what a function returns; a cancellation does not reach it."""
        ended = anyio.Event()
        # Not by its name: an error in it would lead back to it.
        futures: list[Future[_T]] = [Future()]
        left = False

        async def run() -> None:
            try:
                futures[0].set_result(await function())
            except Exception as error:  # noqa: BLE001 - it is handed over
                futures[0].set_exception(error)
                if left:
                    _log.warning("After its request was cancelled: %s", error)
            finally:
                ended.set()

        self.group.start_soon(run)
        try:
            await ended.wait()
        except BaseException:
            left = True
            raise
        if not futures[0].done():
            raise SesamyError(
                "The service stopped before the request was completed.",
                outcome=Outcome.UNKNOWN,
                retryable=True,
            )
        return futures.pop().result()


def lifespan(
    theirs: Callable[[FastAPI], Any] | None = None,
    /,
    *,
    within: float = 10.0,
    **settings: Any,
) -> _Lifespan:
    """Return a lifespan that keeps one client for all requests.

    When the application starts, the client gets a token and opens a
    connection.  If that fails, the error is logged and the application
    starts anyway: see `readiness`.

    The client is ``app.state.sesamy``; in handlers, declare a parameter of
    the type `Client`.

    Args:
        theirs: Your own lifespan, which runs within this one: it can use
            the client, and its state is kept.
        within: Seconds, when the application stops, for onboardings that
            have created a contract to confirm it.  All other requests get
            one second to end.
        settings: The arguments of `AsyncSesamy`.  Set `deadline` to less
            than your callers wait, such as 20 seconds.

    Raises:
        ConfigurationError: `theirs` is not a lifespan.  When the
            application starts: a setting is missing or invalid.
    """
    if theirs is not None and not callable(theirs):
        raise ConfigurationError(
            "lifespan: the first argument must be your own lifespan; pass "
            "settings by name, such as vendor_id=."
        )
    if inspect.isasyncgenfunction(theirs):
        theirs = asynccontextmanager(theirs)

    @asynccontextmanager
    async def run(app: FastAPI) -> AsyncGenerator[Mapping[str, Any]]:
        failed: Exception | None = None
        async with (
            AsyncSesamy(**settings) as client,
            anyio.create_task_group() as group,
        ):
            state = {_CLIENT: client, _TASKS: Tasks(group)}
            # Not every server hands over the state that is yielded.
            for name, value in state.items():
                setattr(app.state, name, value)
            try:
                await _warm_up(client)
                if theirs is None:
                    yield state
                else:
                    async with theirs(app) as more:
                        yield {**(more or {}), **state}
            except Exception as error:  # noqa: BLE001 - raised below
                failed = error  # The group would put it into another one.
            finally:
                for name in state:
                    delattr(app.state, name)
                await client.aclose(within)
                # What has not begun fails now by itself, and is answered so.
                left = anyio.current_time() + min(within, _LEFT)
                group.cancel_scope.deadline = left
        if failed is not None:
            raise failed

    return run


async def _warm_up(client: AsyncSesamy) -> None:
    try:
        await client.with_options(deadline=_WARM_UP, retry=ONE_TRY).ready()
    except SesamyError as error:
        level = logging.WARNING if error.retryable else logging.ERROR
        _log.log(level, "The application starts anyway: %s", error)


def _found(name: str, *states: object) -> Any:
    for state in states:
        if (found := getattr(state, name, None)) is not None:
            return found
    raise ConfigurationError(
        "There is no client: give the application (for a mounted one, the "
        "outermost) lifespan=sesamy_async.fastapi.lifespan(...), and make "
        "sure that the lifespan runs; in tests, use `with TestClient(app)`."
    )


def client_in(*states: object) -> AsyncSesamy:
    """Return the client in one of the states, or raise."""
    client: AsyncSesamy = _found(_CLIENT, *states)
    return client


async def _client(connection: HTTPConnection) -> AsyncSesamy:
    return client_in(connection.state, connection.app.state)


async def tasks_of(connection: HTTPConnection) -> Tasks:
    """Return the tasks of the application."""
    tasks: Tasks = _found(_TASKS, connection.state, connection.app.state)
    return tasks


Client: TypeAlias = Annotated[AsyncSesamy, Depends(_client)]
"""The client of the application, as a parameter of a handler."""
