"""A store of orders, as the calls of one client use it."""

from __future__ import annotations

import hmac
import json
import logging
import math
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar, cast
from urllib.parse import urlsplit

import attrs

from ._call import Runtime
from ._settings import SettingsSource
from .errors import ConfigurationError, SesamyError
from .idempotency import (
    IdempotencyStore,
    OrderKey,
    OrderState,
    StoreUnavailable,
)


_T = TypeVar("_T")
_log = logging.getLogger("sesamy_async")

PATIENCE = 5.0
"""Seconds for one thing that is asked of a store."""

GRACE = 0.5
"""Seconds that a store may need to notice that it is late."""

FIRST_PAUSE = 0.02
LONGEST_PAUSE = 0.5
_LEAST = 0.05
_DIGEST_VERSION = "1"
_PORTS = {"http": 80, "https": 443}


@attrs.define(eq=False, repr=False)
class Once:
    """A store of orders, as the calls of one client use it."""

    store: IdempotencyStore
    where: str  # Of the keys of its orders.
    runtime: Runtime  # Time, and threads in which the store blocks nobody.
    shared: bool = False  # Whether orders may share a contract.
    source: str | None = None  # Where the orders come from, for people.
    owned: bool = False  # Whether the store is closed with the client.
    _salt: bytes | None = None

    async def aclose(self) -> None:
        with self.runtime.shield(GRACE), suppress(Exception):
            await self.runtime.start(self.store.close).result(GRACE)

    async def ask(self, method: Callable[..., _T], latest: float) -> _T:
        """Ask the store, and again while it can't be reached.

        `method` is one of the store that wants only `within`.  Gives up,
        with a `StoreUnavailable`, at `latest` or after `PATIENCE`.
        """
        now = self.runtime.now()
        latest = min(latest, now + PATIENCE)
        pause = FIRST_PAUSE
        while True:
            within = max(latest - now, _LEAST)
            # It begins here: no cancellation comes before it.
            job = self.runtime.start(partial(method, within=within))
            try:
                return await job.result(within + GRACE)
            except TimeoutError:
                failed = self._failed("did not respond in time")
            except StoreUnavailable as error:
                failed = error
            except SesamyError:
                raise
            except Exception as error:  # noqa: BLE001 - it is not ours
                # Without its message, which may hold a password.
                failed = self._failed(f"failed with {type(error).__name__}")
            except BaseException:
                # What this call asks next must not overtake it.
                with self.runtime.shield(), suppress(Exception):
                    await job.result(GRACE)
                raise
            now = self.runtime.now()
            if not failed.transient or now + pause >= latest:
                raise failed
            await self.runtime.sleep(pause)
            now = self.runtime.now()
            pause = min(2 * pause, LONGEST_PAUSE)

    async def insist(
        self, method: Callable[..., _T], seconds: float = math.inf
    ) -> _T:
        """Ask the store for at most so long, even if the call is cancelled."""
        with self.runtime.shield(math.inf):  # It ends by itself.
            return await self.ask(method, self.runtime.now() + seconds)

    def _failed(self, how: str) -> StoreUnavailable:
        name = type(self.store).__name__
        return StoreUnavailable(f"The store of orders ({name}) {how}.")

    async def digest(self, promo_code: str, order: str, latest: float) -> str:
        """Return the digest by which other data of an order are noticed.

        Values can be tried only with the salt, which is in the store.
        """
        salt = await self._salted(latest)
        told = json.dumps([promo_code, json.loads(order)], sort_keys=True)
        text = f"{_DIGEST_VERSION}{told}".encode()
        digest = hmac.digest(salt, text, "sha256").hex()
        return f"{_DIGEST_VERSION}:{digest}"

    async def name(self, latest: float) -> str:
        """Return a name of the store that no other store has."""
        salt = await self._salted(latest)
        return hmac.digest(salt, b"name", "sha256").hex()

    async def _salted(self, latest: float) -> bytes:
        if self._salt is None:
            self._salt = await self.ask(self.store.salt, latest)
        return self._salt

    async def confirmed(self, contract_id: str, of: OrderKey | str) -> None:
        """Note that a contract is confirmed.

        `of` is its order, or the vendor if the order is not known.  If the
        store fails, the next call confirms it again, which does no harm.
        """
        store = self.store
        try:
            key = of
            if isinstance(key, str):
                found = await self.insist(
                    partial(store.holder, self.where, key, contract_id)
                )
                if found is None:
                    return
                key = found.key
            mark = partial(store.mark, key, OrderState.CONFIRMED, token="")
            await self.insist(partial(mark, contract_id=contract_id))
        except SesamyError as error:
            _log.warning("contract %r: %s", contract_id, error.args[0])


@attrs.frozen
class Placed:
    """A store for orders that go elsewhere than to the base URL."""

    store: IdempotencyStore | str | bool | None  # As `idempotency` is given.
    where: str | None = None  # A sandbox, for example; None: the base URL.


def once_of(
    given: IdempotencyStore | str | bool | Placed | None,  # noqa: FBT001 - as the client takes it
    source: SettingsSource,
    runtime: Runtime,
    *,
    base_url: str,
    shared: bool,
) -> Once | None:
    placed = given if isinstance(given, Placed) else Placed(given)
    store = placed.store
    if store is False:
        return None
    if store is None or isinstance(store, bool | str):
        url = source.optional("idempotency", store, "SESAMY_IDEMPOTENCY")
        if url in {None, "none"}:
            return None
        from .idempotency import store_from_url  # noqa: PLC0415 - few need it

        store = store_from_url(url)
    chosen = cast("object", store)
    wrong = type(chosen).__name__
    if isinstance(chosen, type):  # A class of stores has the methods, too.
        wrong = f"the class {chosen.__name__}"
    if isinstance(chosen, type) or not isinstance(chosen, IdempotencyStore):
        raise ConfigurationError(
            "idempotency must be a store of orders, its URL, or False; got "
            f"{wrong}."
        )
    return Once(
        chosen,
        placed.where or place_of(base_url),
        runtime,
        shared=shared,
        owned=chosen is not placed.store,
    )


def place_of(base_url: str) -> str:
    """Return a base URL as keys have it, which is the same for all hosts."""
    parts = urlsplit(base_url)
    # A base URL, which was checked, has a host.
    host, port = cast("str", parts.hostname), parts.port
    if port in {None, _PORTS[parts.scheme]}:
        return f"{parts.scheme}://{host}{parts.path}"
    return f"{parts.scheme}://{host}:{port}{parts.path}"
