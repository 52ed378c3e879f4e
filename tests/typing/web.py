"""FastAPI and webhooks, as users write them.

Type checkers read it; it is never run.  What must be an error has a
`type: ignore`, which they refuse where it is not needed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime
from http import HTTPStatus
from typing import Any, assert_type

from fastapi import FastAPI

from sesamy_async import (
    AsyncSesamy,
    NewContract,
    Outcome,
    Secret,
    SesamyError,
)
from sesamy_async.fastapi import (
    Client,
    Order,
    install,
    lifespan,
    readiness,
    sales,
    webhooks,
)
from sesamy_async.idempotency import MemoryStore
from sesamy_async.problems import Problem, problem_of
from sesamy_async.webhooks import Event, authorized, parse_event


@asynccontextmanager
async def theirs(app: FastAPI) -> AsyncGenerator[Mapping[str, Any]]:
    """Keep something for the application."""
    yield {"app": app}


app = FastAPI(lifespan=lifespan(theirs, deadline=20, within=3.0))
other = FastAPI(lifespan=lifespan())
install(app)
app.include_router(sales())
app.include_router(sales(MemoryStore(), prefix="/shop"))
app.include_router(sales("sqlite:orders.db"))
app.include_router(readiness("/ready"))
sales(1)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]


async def handler(order: Order, sesamy: Client) -> str:
    """Take an order."""
    assert_type(order, NewContract)
    assert_type(sesamy, AsyncSesamy)
    return (await sesamy.contracts.onboard("x", order)).contract.id


async def awaited(event: Event) -> None:
    """Take an event."""


def plain(event: Event) -> int:
    """Take an event, blocking."""
    assert_type(event.event_type, str)
    assert_type(event.occurred_at, datetime | None)
    assert_type(event.raw, Mapping[str, Any])
    return 1


app.include_router(webhooks("Bearer x", awaited))
app.include_router(webhooks(["Bearer x", Secret("y")], plain, path="/x"))
webhooks("x", len)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType]

assert_type(parse_event(b"{}"), Event)
assert_type(authorized(None, ["x"]), bool)


def answer(error: SesamyError) -> None:
    """Answer in another framework."""
    problem = problem_of(error)
    assert_type(problem, Problem)
    assert_type(problem.status, HTTPStatus)
    assert_type(problem.outcome, Outcome)
    assert_type(problem.headers, Mapping[str, str])
    assert_type(problem.to_dict(), dict[str, Any])
