"""A web service that takes sales and tells Sesamy of each of them once.

Run it with the SESAMY_* variables set: ``uvicorn fastapi_app:app``, then
``curl --json @order.json 'localhost:8000/sales?promo_code=SPRING-12'``.
"""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Annotated

import anyio
from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from sesamy_async import (
    APIError,
    AsyncSesamy,
    BadRequestError,
    InvalidRequestError,
    NewContract,
    NotFoundError,
    Outcome,
    RateLimitError,
    RetryPolicy,
    SesamyError,
)


logger = logging.getLogger(__name__)
# Who probes does so again anyway.
ONCE = RetryPolicy(attempts=1)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Keep one client: it shares connections, token and pace."""
    # Our own callers wait, and most give up after half a minute.
    async with AsyncSesamy(deadline=20.0) as sesamy:
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
    request: Request, promo_code: str, sesamy: Client
) -> dict[str, str]:
    """Onboard the order in the body, which is JSON as Sesamy documents it."""
    # Not a parameter of FastAPI's: its 422 would repeat the customer's data.
    order = NewContract.from_json(await request.body())
    # Here your database says whether this order was sold before: Sesamy
    # does not promise to notice.  Whoever cancels us waits for the end.
    with anyio.CancelScope(shield=True):
        done = await sesamy.contracts.onboard(promo_code, order)
    return {"contract_id": done.contract.id}


@app.put("/sales/{contract_id}/confirmation")
async def confirm(
    contract_id: str, promo_code: str, sesamy: Client
) -> dict[str, str]:
    """Give access; may be repeated as often as it takes."""
    contract = await sesamy.contracts.confirm(promo_code, contract_id)
    return {"contract_id": contract.id}


def answer_to(error: SesamyError) -> tuple[HTTPStatus, str]:
    """Say what our caller should do, for many will obey the status alone."""
    made = error.contract_id is not None
    if made and (error.step == "confirm" or not error.outcome.nothing_done):
        # No 5xx: whoever repeats the POST then makes a second contract.
        return HTTPStatus.ACCEPTED, "PUT the contract's confirmation."
    unfit = InvalidRequestError | BadRequestError | NotFoundError
    match error.outcome:
        case Outcome.UNKNOWN | Outcome.APPLIED:
            # It stopped at the create, so no contract was confirmed.
            return HTTPStatus.GATEWAY_TIMEOUT, "Send the same again."
        case _ if isinstance(error, unfit):
            return HTTPStatus.UNPROCESSABLE_ENTITY, "Mend the order."
        case Outcome.NOT_SENT:
            return HTTPStatus.SERVICE_UNAVAILABLE, "Send the same again."
        case _ if isinstance(error, RateLimitError):
            return HTTPStatus.SERVICE_UNAVAILABLE, "Send the same again."
        case _:  # Credentials, scope, vendor: nothing the caller can mend.
            return HTTPStatus.BAD_GATEWAY, "Tell the operator."


@app.exception_handler(SesamyError)
async def on_error(request: Request, error: SesamyError) -> JSONResponse:
    """Turn what became of the order into an HTTP answer."""
    del request
    # Holds no personal data and no secret; `APIError.body` might.
    logger.warning("%s", error)
    status, advice = answer_to(error)
    asked = error.retry_after if isinstance(error, APIError) else None
    again = status in {202, 503, 504}
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
