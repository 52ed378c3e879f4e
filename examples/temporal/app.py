"""A web service that takes sales, and hands each of them to Temporal.

Set SHOP_KEY, and run it with ``uvicorn temporal.app:app`` in the folder above.
"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.responses import JSONResponse
from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from sesamy_async.fastapi import Order, install
from sesamy_async.webhooks import authorized

from .activities import Sale
from .orders import PATIENCE, connect, find, start
from .workflow import STATE


SHOP_KEY = os.environ["SHOP_KEY"]
VENDOR = os.environ["SESAMY_VENDOR_ID"]


async def is_our_shop(x_api_key: Annotated[str, Header()] = "") -> None:
    """Refuse all other callers."""
    if not authorized(x_api_key, SHOP_KEY):
        raise HTTPException(401)


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
    """Keep one client, which connects again by itself."""
    app.state.temporal = await connect()
    yield


app = FastAPI(lifespan=lifespan, dependencies=[Depends(is_our_shop)])
install(app)  # A wrong order, or an id that is in use, is answered with 422.


@app.exception_handler(RPCError)
async def unavailable(_: Request, error: Exception) -> JSONResponse:
    """Answer when Temporal does not do it."""
    if getattr(error, "status", None) is RPCStatusCode.NOT_FOUND:
        return JSONResponse({"detail": "No such sale is under way."}, 404)
    answer = {"detail": "Send the same again."}
    return JSONResponse(answer, 503, {"Retry-After": "5"})


@app.post("/sales/{promo_code}", status_code=202)
async def sell(promo_code: str, order: Order) -> dict[str, str]:
    """Take a sale; the same request may be sent any number of times."""
    sale = Sale(VENDOR, promo_code, order.to_dict())
    return {"workflow_id": (await start(app.state.temporal, sale)).id}


@app.get("/sales/{order_id}")
async def look(order_id: str) -> dict[str, str | None]:
    """Tell what became of a sale."""
    workflow = find(app.state.temporal, VENDOR, order_id)
    found = await workflow.describe(rpc_timeout=PATIENCE)
    state = found.typed_search_attributes.get(STATE)
    if state == "CONFIRMED":
        reported = await workflow.result(rpc_timeout=PATIENCE)
        return {"state": state, "contract_id": reported.contract_id}
    return {"state": state, "why": await found.memo_value("why", None)}


@app.post("/sales/{order_id}/settled", status_code=204, response_model=None)
async def settled(order_id: str) -> None:
    """Go on with a sale that is held, after ``sesamy orders settle``."""
    workflow = find(app.state.temporal, VENDOR, order_id)
    try:
        await workflow.execute_update("settled", rpc_timeout=PATIENCE)
    except WorkflowUpdateFailedError:
        raise HTTPException(409, "The sale is not held.") from None
