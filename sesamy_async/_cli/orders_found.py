"""Which store, and which of its orders, a command is about."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager

from sesamy_async._once import place_of
from sesamy_async._settings import SettingsSource
from sesamy_async.errors import SesamyError
from sesamy_async.idempotency import (
    IdempotencyStore,
    OrderRecord,
    SQLiteStore,
    StoreUnavailable,
)

from .client import base_url, name_of, store_of_orders
from .options import Chosen, Remembered
from .orders_words import place_in_words
from .output import UsageError


WITHIN = 10.0
"""Seconds for one thing that is asked of the store."""


class OrdersError(SesamyError):
    """The store of orders does not say, or do, what was asked for."""

    def _advice(self) -> str:
        return "Nothing was changed."


@contextmanager
def opened(
    options: Remembered, *, new: bool = False
) -> Generator[IdempotencyStore]:
    """Yield the store that options name; only if it is there, or `new`."""
    store = store_of_orders(options.idempotency)
    if store is None:
        raise UsageError(
            'There is no store to look into: --idempotency is "none".'
        )
    if isinstance(store, SQLiteStore) and not (new or store.path.exists()):
        # To make an empty one would hide that its name is misspelt.
        raise OrdersError(f"There is no store of orders at {store.path}.")
    with closing(store):
        try:
            yield store
        except StoreUnavailable as error:
            # Its advice is for orders that are sent.
            raise OrdersError(str(error.args[0])) from error


def chosen(
    records: Iterator[OrderRecord], options: Chosen
) -> Iterator[OrderRecord]:
    """Yield those of the vendor and the place that options ask for."""
    vendor, where = choice(options)
    for each in records:
        key = each.key
        if vendor in {None, key.vendor_id} and where in {None, key.where}:
            yield each


def choice(options: Chosen) -> tuple[str | None, str | None]:
    """Return the vendor and the place that are asked for, if any."""
    source = SettingsSource(os.environ)
    vendor = source.optional("--vendor", options.vendor, "SESAMY_VENDOR_ID")
    if options.where is not None and options.base_url is not None:
        raise UsageError("Give either --where or --base-url.")
    if options.where is not None:
        return vendor, options.where
    url = source.optional("--base-url", options.base_url, "SESAMY_BASE_URL")
    return vendor, None if url is None else place_of(base_url(options))


def found(store: IdempotencyStore, order: str, options: Chosen) -> OrderRecord:
    """Return the only order that has an id.

    Raises:
        OrdersError: There is none.
        UsageError: There are several.
    """
    known = [*store.entries(external_order_id=order, within=WITHIN)]
    fitting = [*chosen(iter(known), options)]
    if len(fitting) == 1:
        return fitting[0]
    listed = [place_in_words(each.key) for each in fitting or known]
    places = "; ".join(listed)
    if fitting:
        raise UsageError(
            f"{len(fitting)} orders have the id {order!r}: {places}. Choose "
            "one with --vendor, --base-url or --where.",
            problems=listed,
        )
    vendor, where = choice(options)
    asked = (
        f" of vendor {vendor!r}" if vendor else "",
        f" at {where!r}" if where else "",
    )
    raise OrdersError(
        f"{name_of(store)} does not know order {order!r}{''.join(asked)}"
        f"{f'; it knows one of {places}' if known else ''}."
    )
