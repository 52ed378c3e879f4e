"""What a client is built of: its settings, and what its copies share."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast

import attrs

from ._call import (
    Exchange,
    Lifetime,
    MemoryPacer,
    RateLimit,
    Runtime,
    Secret,
)
from ._checks import Problems
from ._headers import merged
from ._once import once_of, place_of
from ._pipeline import Caller, Shared
from ._settings import (
    BASE_URL,
    TOKEN_URL,
    Settings,
    SettingsSource,
    check_app,
    check_flag,
    check_headers,
    check_middleware,
    check_rate_limit,
    check_retry,
    check_seconds,
    start_log,
)
from ._wire import RecentIds
from .auth import ClientCredentials, bind
from .auth._credentials import credentials_from


_CREDENTIALS = ("auth", "client_id", "client_secret", "token_url")


def build(
    given: Mapping[str, Any], runtime: Runtime, *, blocking: bool
) -> Caller:
    """Return what makes the calls of a new client.

    Args:
        given: The arguments of the client, by name.
        runtime: Time and waiting.
        blocking: Whether no await suspends.

    Raises:
        ConfigurationError: It names all arguments that are wrong.
    """
    return _Building(
        given, SettingsSource(os.environ), runtime, blocking=blocking
    ).build()


def rebuild(caller: Caller, **given: Any) -> Caller:
    """Return what makes the calls of a copy of a client, or one call.

    Args:
        caller: What makes the calls of the client.
        given: The arguments in which the copy differs; None is as in the
            client.

    Raises:
        ConfigurationError: It names all arguments that are wrong.
    """
    changes = {name: given[name] for name in given if given[name] is not None}
    if not changes:
        return caller
    runtime, blocking = caller.shared.exchange.runtime, caller.shared.blocking
    # What is not given is as in the client, and not from the environment.
    return _Building(
        changes, SettingsSource({}), runtime, caller, blocking=blocking
    ).build()


class _Building:
    """Checks the arguments, and makes of them what a client needs."""

    def __init__(
        self,
        given: Mapping[str, Any],
        source: SettingsSource,
        runtime: Runtime,
        base: Caller | None = None,
        *,
        blocking: bool,
    ) -> None:
        self._given = given
        self._source = source
        self._runtime = runtime
        self._base = base
        self._blocking = blocking
        self._check = Problems()

    def build(self) -> Caller:
        """Return what makes the calls."""
        check, base = self._check, self._base
        if base is None:
            check(start_log, self._source)
        settings = self._settings()
        parts: dict[str, Any] = {"blocking": self._blocking}
        if self._is_given("middleware"):
            parts["middleware"] = check(
                check_middleware, self._given["middleware"]
            )
        if self._is_given("shared_contracts"):
            given = self._given["shared_contracts"]
            may_share = check(check_flag, "shared_contracts", given)
            parts["recent"] = None if may_share else RecentIds()
        self._add_exchange(parts, settings)
        self._add_pace(parts)
        self._add_store(parts, settings)
        check.raise_all()
        shared = (
            attrs.evolve(base.shared, **parts) if base else Shared(**parts)
        )
        life = shared.exchange.life
        if "exchange" in parts:
            life.transports.append(shared.exchange.transport)
        if shared.once is not None and shared.once.owned and "once" in parts:
            life.ends.append(shared.once.aclose)
        return Caller(settings, shared)

    def _is_given(self, *names: str) -> bool:
        """Whether a part has to be made: all of them for a new client."""
        return self._base is None or any(name in self._given for name in names)

    def _settings(self) -> Settings:
        source, check, base = self._source, self._check, self._base
        checks: dict[str, Callable[[Any], Any]] = {
            "vendor_id": source.vendor,
            "base_url": partial(source.url, "base_url", default=BASE_URL),
            "token_url": partial(source.url, "token_url", default=TOKEN_URL),
            "timeout": partial(check_seconds, "timeout"),
            "deadline": partial(check_seconds, "deadline"),
            "retry": check_retry,
            "default_headers": partial(check_headers, "default_headers"),
            "app_info": check_app,
            "strict": partial(check_flag, "strict"),
        }
        values: dict[str, Any] = {
            name: check(checks[name], self._given[name])
            for name in checks
            if name in self._given
        }
        settings = (
            attrs.evolve(base.settings, **values)
            if base
            else Settings(**values)
        )
        if "headers" not in self._given:
            return settings
        more = check(check_headers, "headers", self._given["headers"])
        kept = settings.default_headers or {}
        return attrs.evolve(settings, default_headers=merged(kept, more or {}))

    def _add_exchange(self, parts: dict[str, Any], settings: Settings) -> None:
        """Add the connections, and who authorizes what is sent."""
        check, given = self._check, self._given
        if not self._is_given("transport", "app_info", *_CREDENTIALS):
            return
        authorizing = self._authorizing()
        exchange = self._exchange(settings, authorizing)
        if authorizing:
            parts["auth"] = check(
                bind,
                authorizing,
                token_url=settings.token_url,
                runtime=self._runtime,
                exchange=exchange,
                user_agent=settings.user_agent,
            )
        parts["authorizing"] = authorizing
        if self._base is None or "transport" in given:
            parts["exchange"] = exchange

    def _authorizing(self) -> object:
        """Return what was given as `auth`, or the credentials."""
        if not self._is_given("auth", "client_id", "client_secret"):
            return cast("Caller", self._base).shared.authorizing
        return self._check(
            credentials_from,
            self._given.get("auth"),
            self._given.get("client_id"),
            Secret.hide(self._given.get("client_secret")),
            self._source,
        )

    def _exchange(self, settings: Settings, authorizing: object) -> Exchange:
        base = self._base
        if base is not None and "transport" not in self._given:
            return base.shared.exchange
        urls = [settings.base_url]
        if isinstance(authorizing, ClientCredentials):
            urls.append(settings.token_url)
        # It loads httpx and h11, which take longer than the rest.
        from ._http import bind as connections  # noqa: PLC0415

        return Exchange(
            self._check(
                connections,
                self._given["transport"],
                self._runtime,
                blocking=self._blocking,
                urls=filter(None, urls),
            ),
            self._runtime,
            Lifetime() if base is None else base.shared.exchange.life,
        )

    def _add_pace(self, parts: dict[str, Any]) -> None:
        """Add the pace: another server or client has one of its own.

        A pacer that was given is kept for all that it is given to.
        """
        if not self._is_given("rate_limit", "base_url", *_CREDENTIALS):
            return
        if self._is_given("rate_limit"):
            limit = self._check(check_rate_limit, self._given["rate_limit"])
        else:
            limit = cast("Caller", self._base).shared.rate_limit
        parts["rate_limit"] = parts["pacer"] = limit
        if isinstance(limit, RateLimit):
            parts["pacer"] = MemoryPacer(limit, clock=self._runtime.now)

    def _add_store(self, parts: dict[str, Any], settings: Settings) -> None:
        base_url = settings.base_url or BASE_URL
        if self._is_given("idempotency"):
            parts["once"] = self._check(
                once_of,
                self._given["idempotency"],
                self._source,
                self._runtime,
                base_url=base_url,
                shared=self._is_shared(parts),
            )
            return
        base = cast("Caller", self._base).shared
        if base.once is None or not self._is_given(
            "base_url", "shared_contracts"
        ):
            return
        changes: dict[str, Any] = {"shared": self._is_shared(parts)}
        if "base_url" in self._given:
            changes["where"] = place_of(base_url)
        parts["once"] = attrs.evolve(base.once, owned=False, **changes)

    def _is_shared(self, parts: Mapping[str, Any]) -> bool:
        """Whether orders may share a contract."""
        if "recent" in parts:
            return parts["recent"] is None
        return cast("Caller", self._base).shared.recent is None
