"""Make one `Auth` of whatever was given, or of the environment."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from sesamy_async.core.auth import Auth
from sesamy_async.core.call import Proceed
from sesamy_async.core.runtime import Runtime
from sesamy_async.core.secret import Secret
from sesamy_async.errors import ConfigurationError
from sesamy_async.settings import Source

from .credentials import OPTIONAL, ClientCredentials
from .given import CallableAuth


def chosen(
    auth: object,
    client_id: str | None,
    client_secret: Secret | None,
    source: Source,
) -> object:
    """Return what `bind` takes: `auth`, or else credentials.

    Args:
        auth: What was given as ``auth=``, if anything.
        client_id: Of the credentials.
        client_secret: Of the credentials.
        source: Where they, and what is asked with them, come from if not
            given.

    Raises:
        ConfigurationError: Both were given, or part of one is missing.
    """
    if auth is None:
        return ClientCredentials(
            source.required("client_id", client_id, "SESAMY_CLIENT_ID"),
            source.required(
                "client_secret", client_secret, "SESAMY_CLIENT_SECRET"
            ),
            **asked(source),
        )
    if client_id is not None or client_secret is not None:
        raise ConfigurationError(
            "auth: give either auth=, or client_id= and client_secret=."
        )
    return auth


def asked(
    source: Source, given: Mapping[str, str | None] | None = None
) -> dict[str, Any]:
    """Return what is set of the optional arguments of `ClientCredentials`.

    Args:
        source: Where they come from if not given.
        given: Of the caller's, by the name of the argument.

    Raises:
        ConfigurationError: One is blank.
    """
    given = given or {}
    values = {
        name: source.optional(name, given.get(name), variable)
        for name, variable in OPTIONAL.items()
    }
    return {name: values[name] for name in values if values[name] is not None}


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
