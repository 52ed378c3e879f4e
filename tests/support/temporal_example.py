"""The Temporal example: its service in this process, and its workers."""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from unittest.mock import patch

import httpx

from .apps import visited
from .canaries import ORDER, found_in
from .examples import EXAMPLES, KEY, SHOP
from .temporal_server import Temporal


def sale(order_id: str, **changes: Any) -> str:
    """Return the JSON of an order that is paid by card."""
    return json.dumps(
        {**ORDER.to_dict(), "externalOrderId": order_id, **changes}
    )


def readable(server: Temporal) -> set[str]:
    """Return what of the customer can be read in a server's database."""
    return found_in(
        "".join(
            path.read_bytes().decode("utf-8", "replace")
            for path in server.database
        )
    )


@contextmanager
def settings(
    server: Temporal, sesamy: Mapping[str, str], store: str
) -> Iterator[None]:
    """Set the variables of the example, and let it be imported anew.

    Args:
        server: Of Temporal.
        sesamy: The SESAMY_* variables that lead to a sandbox.
        store: The URL of the store of orders.
    """
    key = base64.b64encode(bytes(range(32))).decode()
    variables = {
        **sesamy,
        **SHOP,
        "SESAMY_IDEMPOTENCY": store,
        "TEMPORAL_ADDRESS": server.url,
        "ORDER_KEYS": f"test:{key}",
    }
    others = {
        name: module
        for name, module in sys.modules.items()
        if name.partition(".")[0] != "temporal"
    }
    with (
        patch.dict(os.environ, variables),
        patch.object(sys, "path", [str(EXAMPLES), *sys.path]),
        patch.dict(sys.modules, others, clear=True),
    ):
        yield


@asynccontextmanager
async def service() -> AsyncIterator[tuple[httpx.AsyncClient, Any]]:
    """Run the service; yield what sends to it, and its client of Temporal."""
    app = importlib.import_module("temporal.app").app
    async with visited(app) as shop:
        shop.headers.update(KEY)
        yield shop, app.state.temporal
