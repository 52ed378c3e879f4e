"""The client in a FastAPI application.

    app = FastAPI(lifespan=lifespan(deadline=20))
    install(app)
    app.include_router(sales())

One client serves all requests of a process, errors become HTTP responses (see
`sesamy_async.problems`), and a sale may be posted any number of times.
"""

from __future__ import annotations

from importlib.util import find_spec


if find_spec("fastapi") is None:
    raise ImportError(
        "sesamy_async.fastapi needs FastAPI: "
        "pip install 'sesamy-async[fastapi]'."
    )

from ._client import Client, lifespan
from ._orders import LARGEST_ORDER, Order, install
from ._routes import Sale, readiness, sales, webhooks


__all__ = [
    "LARGEST_ORDER",
    "Client",
    "Order",
    "Sale",
    "install",
    "lifespan",
    "readiness",
    "sales",
    "webhooks",
]
