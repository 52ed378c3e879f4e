"""A web service that takes sales and reports each of them to Sesamy once.

Set the SESAMY_* variables (with SESAMY_IDEMPOTENCY=sqlite:orders.db, say),
SHOP_KEY and WEBHOOK_SECRETS, and run it with
``gunicorn -w 2 -k uvicorn_worker.UvicornWorker fastapi_app:app``.  Then:
``curl --json @order.json -H "X-API-Key: ..." localhost:8000/sales/SPRING-12``.
"""

import logging
import os
from typing import Annotated

from fastapi import Depends, FastAPI, Header, HTTPException

from sesamy_async.fastapi import install, lifespan, readiness, sales, webhooks
from sesamy_async.webhooks import Event, authorized


logging.basicConfig(level=logging.INFO)  # The server sets up only its own.
SHOP_KEY = os.environ["SHOP_KEY"]
WEBHOOK_SECRETS = os.environ["WEBHOOK_SECRETS"].split(",")


async def is_our_shop(x_api_key: Annotated[str, Header()] = "") -> None:
    """Refuse all other callers."""
    if not authorized(x_api_key, SHOP_KEY):
        raise HTTPException(401)


async def on_event(event: Event) -> None:
    """Log what happened at Sesamy; the same event may come again."""
    logging.getLogger("shop").info("%r", event)


# The SESAMY_* variables are read when the application starts.
app = FastAPI(lifespan=lifespan(deadline=20))
install(app)
app.include_router(sales(), dependencies=[Depends(is_our_shop)])
app.include_router(readiness())
app.include_router(webhooks(WEBHOOK_SECRETS, on_event))
