"""Routes: sales, readiness and webhooks."""

from __future__ import annotations

import inspect
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Annotated, TypeAlias

import attrs
from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from sesamy_async._call import Secret, guarded
from sesamy_async._client import AsyncSesamy, store_of
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import IdempotencyStore
from sesamy_async.webhooks import (
    LARGEST_EVENT,
    Event,
    accepted,
    authorized,
    parse_event,
)

from ._client import ONE_TRY, Client, Tasks, client_in, tasks_of
from ._orders import Order, body_of


_Handler: TypeAlias = Callable[[Event], Awaitable[object] | object]
_log = logging.getLogger("sesamy_async")
_PROBE = 2.0  # Seconds: who probes gives up soon, and asks again.


class Sale(BaseModel):
    """The response to a sale.

    Attributes:
        contract_id: The confirmed contract.
        repeated: Whether an earlier request created it.
    """

    contract_id: str
    repeated: bool


def sales(
    idempotency: IdempotencyStore | str | None = None,
    *,
    prefix: str = "/sales",
) -> APIRouter:
    """Return a router that takes sales: ``POST /sales/{promo_code}``.

    The body is the order, as `Order` reads it.  The same request may be sent
    any number of times, also at once and to several processes: the result
    is one confirmed contract.  The response is 201, or 200 if an earlier
    request created the contract.

    An onboarding that has begun is completed even if the caller disconnects
    or the request is cancelled.

    Everybody can use the route unless you pass
    ``dependencies=[Depends(...)]`` to ``include_router``.

    Args:
        idempotency: The store of orders, or its URL; by default, the store
            of the client.
        prefix: The path before the promo code.

    Raises:
        ConfigurationError: There is no store.  It is raised when the
            application starts, or by the first request if the application
            is mounted in another one.
    """
    store = _Store(idempotency)

    @asynccontextmanager
    async def check(app: FastAPI) -> AsyncGenerator[None]:
        store.of(client_in(app.state))
        yield

    router = APIRouter(prefix=prefix, tags=["sales"], lifespan=check)

    @router.post(
        "/{promo_code}",
        status_code=HTTPStatus.CREATED,
        responses={HTTPStatus.OK: {"model": Sale, "description": "Repeated"}},
    )
    async def sell(
        promo_code: str,
        order: Order,
        client: Client,
        tasks: Annotated[Tasks, Depends(tasks_of)],
        response: Response,
    ) -> Sale:
        """Report a sale.  It can be sent any number of times."""
        contracts = store.of(client).contracts
        onboard = partial(contracts.onboard, promo_code, order)
        done = await tasks.finish(onboard)
        if done.repeated:
            response.status_code = HTTPStatus.OK
        return Sale(contract_id=done.contract.id, repeated=done.repeated)

    return router


@attrs.define(eq=False)
class _Store:
    """The store of orders of a router; if ours, closed with the client."""

    given: IdempotencyStore | str | None
    # The latest client, and its copy over the store.
    over: tuple[AsyncSesamy, AsyncSesamy] | None = None

    def of(self, client: AsyncSesamy) -> AsyncSesamy:
        if self.given is None:
            if store_of(client) is None:
                raise ConfigurationError(
                    "sales() needs a store of orders: set "
                    "SESAMY_IDEMPOTENCY, or pass idempotency= to lifespan() "
                    "or sales()."
                )
            return client
        if self.over is None or self.over[0] is not client:
            self.over = client, client.with_options(idempotency=self.given)
        return self.over[1]


def readiness(path: str = "/ready") -> APIRouter:
    """Return a router that says whether orders can be sent to Sesamy.

    ``GET /ready`` responds with 204 if there are a token and a connection to
    Sesamy, and the store of orders and the pacer, if they are used, are
    available; otherwise as for an order that was not sent.  It sends no
    order.

    Args:
        path: The path of the route.
    """
    router = APIRouter(tags=["readiness"])

    @router.get(path, status_code=HTTPStatus.NO_CONTENT, response_model=None)
    async def ready(client: Client) -> Response:
        """Say whether orders can be sent to Sesamy."""
        await client.with_options(deadline=_PROBE, retry=ONE_TRY).ready()
        return Response(status_code=HTTPStatus.NO_CONTENT)

    return router


@guarded
def webhooks(
    secrets: str | Secret | Sequence[str | Secret],
    handler: _Handler,
    *,
    path: str = "/webhooks/sesamy",
) -> APIRouter:
    """Return a router that takes Sesamy's events: ``POST /webhooks/sesamy``.

    It responds with 204 when the handler has returned.  If the handler
    fails, it responds with 500, and Sesamy sends the event again, so the
    handler must be idempotent.  A request without a correct Authorization
    header is refused with 401.  Sesamy does not send an event again after a
    4xx, so these are logged as errors.

    Args:
        secrets: The accepted Authorization values, as they are set at
            Sesamy, such as ``"Bearer 4f0c..."``.  Give two while you change
            it.
        handler: Called with each `Event`, and awaited if it is async; a
            plain function runs in a thread.
        path: The path to which Sesamy posts.

    Raises:
        ConfigurationError: There is no secret, or one is not printable
            ASCII.
    """
    right = accepted(secrets)
    router = APIRouter(tags=["webhooks"])

    @router.post(path, status_code=HTTPStatus.NO_CONTENT, response_model=None)
    async def receive(request: Request) -> Response:
        """Take an event from Sesamy."""
        status = await _receive(request, right, handler)
        return Response(status_code=status)

    return router


async def _receive(
    request: Request, right: Sequence[Secret], handler: _Handler
) -> HTTPStatus:
    """Handle an event; return the status of the response."""
    body = await body_of(request, LARGEST_EVENT)
    if not authorized(request.headers.get("authorization"), right):
        return _refused(
            HTTPStatus.UNAUTHORIZED,
            "The Authorization header has none of the accepted values.",
        )
    try:
        event = parse_event(body)
    except ValueError as error:
        return _refused(HTTPStatus.BAD_REQUEST, str(error))
    del body  # What reports an error of the handler shows no locals of ours.
    return await _handle(event, handler)


def _refused(status: HTTPStatus, why: str) -> HTTPStatus:
    _log.error(
        "A webhook was refused with %d; Sesamy does not send it again. %s",
        status,
        why,
    )
    return status


async def _handle(event: Event, handler: _Handler) -> HTTPStatus:
    try:
        if inspect.iscoroutinefunction(handler):
            await handler(event)
        else:
            # In a tuple: trio refuses what returns something to await.
            (waiting,) = await run_in_threadpool(lambda: (handler(event),))
            if inspect.isawaitable(waiting):
                await waiting
    except Exception:  # noqa: BLE001 - it is logged
        # Also a 4xx of FastAPI's: only a 5xx is sent again.
        _log.exception(
            "The handler of a webhook failed, event type %r. The response is "
            "500, so Sesamy sends it again.",
            event.event_type,
        )
        return HTTPStatus.INTERNAL_SERVER_ERROR
    return HTTPStatus.NO_CONTENT
