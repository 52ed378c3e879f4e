"""Make one `Auth` of whatever was given as ``auth=``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import cast

from sesamy_async.core.auth import Auth
from sesamy_async.core.call import Proceed
from sesamy_async.core.runtime import Runtime
from sesamy_async.errors import ConfigurationError

from .credentials import ClientCredentials
from .given import CallableAuth


def bind(
    auth: object, *, token_url: str, runtime: Runtime, exchange: Proceed
) -> Auth:
    """Return what authorizes the calls of a client.

    Args:
        auth: `ClientCredentials`, an object with the `Auth` protocol, or
            an (async) callable that returns the whole Authorization
            value.
        token_url: Where client credentials are traded for a token.
        runtime: Time, chance and waiting.
        exchange: Sends a call once; anything but a success is an error.

    Raises:
        ConfigurationError: It is none of these.

    .. versionadded:: 0.1.0
    """
    if isinstance(auth, ClientCredentials):
        # Only here: it is most of `auth`, and other ways need none of it.
        from .token_auth import TokenAuth  # noqa: PLC0415

        return TokenAuth(auth, token_url, runtime, exchange)
    # A class has the methods too, but nothing to call them on.
    if not isinstance(auth, type):
        if isinstance(auth, Auth):
            return auth
        if callable(auth):
            ask = cast("Callable[[], str | Awaitable[str]]", auth)
            return CallableAuth(ask)
    given = auth if isinstance(auth, type) else type(auth)
    raise ConfigurationError(
        "auth= must be ClientCredentials, StaticToken, an object with the "
        "methods authorization and rejected, or a function that returns "
        f"the Authorization value; got the {_kind(auth)} {given.__name__}."
    )


def _kind(auth: object) -> str:
    return "class" if isinstance(auth, type) else "type"
