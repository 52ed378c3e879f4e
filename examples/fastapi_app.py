"""A web service that takes sales and tells Sesamy of each of them once.

Run it with the SESAMY_* variables set:
``gunicorn -w 2 -k uvicorn.workers.UvicornWorker fastapi_app:app``, then
``curl --json @order.json 'localhost:8000/sales?promo_code=SPRING-12'``.

All its workers share a store of orders: so a sale can be posted any number
of times, at once or after a crash, and gets one contract.  For several
hosts, set ``SESAMY_IDEMPOTENCY=postgresql://user:password@host/database``.
"""

from __future__ import annotations

import logging
import math
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import JSONResponse

from sesamy_async import (
    APIError,
    AsyncSesamy,
    BadRequestError,
    InvalidRequestError,
    NewContract,
    NotFoundError,
    OrderMismatchError,
    RetryPolicy,
    SesamyError,
)


logger = logging.getLogger(__name__)
# A file in the current folder, which all workers of this host share.
STORE = os.environ.get("SESAMY_IDEMPOTENCY") or "sqlite:orders.db"
# Who probes does so again anyway.
ONCE = RetryPolicy(attempts=1)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Keep one client: it shares connections, token and pace."""
    # Our own callers wait, and most give up after half a minute.
    async with AsyncSesamy(deadline=20.0, idempotency=STORE) as sesamy:
        try:
            await sesamy.ready()
        except SesamyError as error:
            # Serve all the same: GET /ready says when it is over.
            logger.warning("%s", error)
        app.state.sesamy = sesamy
        yield


def the_client(request: Request) -> AsyncSesamy:
    """Return the client that the lifespan made."""
    sesamy: AsyncSesamy = request.app.state.sesamy
    return sesamy


app = FastAPI(lifespan=lifespan)
Client = Annotated[AsyncSesamy, Depends(the_client)]


@app.get("/ready", status_code=HTTPStatus.NO_CONTENT)
async def ready(sesamy: Client) -> None:
    """Tell an orchestrator whether orders can be sent on: 204, or not."""
    await sesamy.with_options(deadline=2.0, retry=ONCE).ready()


@app.post("/sales", status_code=HTTPStatus.CREATED)
async def sell(
    request: Request, response: Response, promo_code: str, sesamy: Client
) -> dict[str, str]:
    """Onboard the order in the body, which is JSON as Sesamy documents it."""
    # Not a parameter of FastAPI's: its 422 would repeat the customer's data.
    order = NewContract.from_json(await request.body())
    done = await sesamy.contracts.onboard(promo_code, order)
    if done.repeated:  # It was posted before: the contract is the same.
        response.status_code = HTTPStatus.OK
    return {"contract_id": done.contract.id}


def answer_to(error: SesamyError) -> tuple[HTTPStatus, str]:
    """Say what our caller should do, for many will obey the status alone."""
    unfit = InvalidRequestError | BadRequestError | NotFoundError
    if isinstance(error, OrderMismatchError):
        return HTTPStatus.CONFLICT, "Give another order an id of its own."
    if error.retryable:
        return HTTPStatus.SERVICE_UNAVAILABLE, "Send the same again."
    if not error.outcome.nothing_done:
        # To send it again does no harm, but no good either.
        return HTTPStatus.ACCEPTED, "Wait: somebody has to look at it."
    if isinstance(error, unfit):
        return HTTPStatus.UNPROCESSABLE_ENTITY, "Mend the order."
    # Credentials, scope, vendor, store: nothing that the caller can mend.
    return HTTPStatus.BAD_GATEWAY, "Tell the operator."


@app.exception_handler(SesamyError)
async def on_error(request: Request, error: SesamyError) -> JSONResponse:
    """Turn what became of the order into an HTTP answer."""
    del request
    # Holds no personal data and no secret; `APIError.body` might.
    logger.warning("%s", error)
    status, advice = answer_to(error)
    asked = error.retry_after if isinstance(error, APIError) else None
    again = status == HTTPStatus.SERVICE_UNAVAILABLE
    found = error.problems if isinstance(error, InvalidRequestError) else ()
    content = {
        "order": error.external_order_id,
        "contract_id": error.contract_id,
        "outcome": error.outcome,
        "do": advice,
        "problems": found,
    }
    headers = {"Retry-After": f"{math.ceil(asked or 5)}"} if again else {}
    return JSONResponse(content, status, headers)
