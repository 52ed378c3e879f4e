"""What a shop needs of Temporal: a connection, and orders to start."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TypeAlias
from urllib.parse import quote, urlsplit

from temporalio.client import Client, WorkflowHandle
from temporalio.common import (
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDReusePolicy,
)
from temporalio.envconfig import ClientConfig
from temporalio.exceptions import WorkflowAlreadyStartedError

from sesamy_async import OrderMismatchError

from .activities import Reported, Sale
from .codec import encrypting
from .workflow import STATE, OnboardOrder


Handle: TypeAlias = WorkflowHandle[OnboardOrder, Reported]
# Where Sesamy is: an order for a sandbox never reaches the workers of another.
WHERE = urlsplit(os.environ.get("SESAMY_BASE_URL", "https://api.sesamy.com"))
QUEUE = f"sesamy-{WHERE.netloc}"
PATIENCE = timedelta(seconds=5)  # Nobody waits longer for Temporal.


async def connect() -> Client:
    """Connect as the TEMPORAL_* variables say."""
    settings = ClientConfig.load_client_connect_config()
    settings.setdefault("target_host", "localhost:7233")
    converter = encrypting(os.environ["ORDER_KEYS"])
    return await Client.connect(**settings, data_converter=converter)


def find(client: Client, vendor_id: str, order_id: str) -> Handle:
    """Return the workflow of an order, without asking if there is one."""
    parts = (WHERE.netloc, vendor_id, order_id)
    workflow_id = "/".join(quote(each, safe=":") for each in parts)
    return client.get_workflow_handle_for(OnboardOrder.run, workflow_id)


async def start(client: Client, sale: Sale) -> Handle:
    """Start the workflow of an order, unless it runs or has ended well."""
    handle = find(client, sale.vendor_id, sale.order["externalOrderId"])
    try:
        return await client.start_workflow(
            OnboardOrder.run,
            sale,
            id=handle.id,
            task_queue=QUEUE,
            # What was refused comes again, corrected.
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
            search_attributes=TypedSearchAttributes(
                [SearchAttributePair(STATE, "SENDING")]
            ),
            rpc_timeout=PATIENCE,
        )
    except WorkflowAlreadyStartedError:
        first = await anext(handle.fetch_history_events(rpc_timeout=PATIENCE))
        given = first.workflow_execution_started_event_attributes.input
        [told] = await client.data_converter.decode(given.payloads, [Sale])
        if told != sale:
            raise OrderMismatchError(
                f"{handle.id} was started with other data."
            ) from None
        return handle
