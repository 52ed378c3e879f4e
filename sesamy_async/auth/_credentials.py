"""What a user gives as ``auth=``: credentials, a token or a function."""

from __future__ import annotations

import inspect
import json
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias, cast, get_args
from urllib.parse import urlencode

import attrs

from sesamy_async._call import (
    Auth,
    Call,
    Proceed,
    Request,
    Runtime,
    Secret,
    guarded,
    guarded_init,
)
from sesamy_async._checks import Problems, around, is_text
from sesamy_async._headers import is_header_value, is_token, wants_header_value
from sesamy_async._settings import HEADERS, USER_AGENT, SettingsSource
from sesamy_async.errors import ConfigurationError

from ._stores import TokenStore


DEFAULT_SCOPE = "payments:contract:third-party-onboarding"
Encoding: TypeAlias = Literal["json", "form", "basic"]

_ENCODINGS = get_args(Encoding)
_OPTIONS = {
    "scope": "SESAMY_SCOPE",
    "audience": "SESAMY_AUDIENCE",
    "organization": "SESAMY_ORGANIZATION",
    "encoding": "SESAMY_TOKEN_ENCODING",
}
_TEXTS = ("client_id", "client_secret", "scope", "audience", "organization")
_MAY_MISS = {"audience", "organization"}
_VARIABLES = {
    "client_id": "SESAMY_CLIENT_ID",
    "client_secret": "SESAMY_CLIENT_SECRET",
    "token_url": "SESAMY_TOKEN_URL",
    **_OPTIONS,
}


def named(argument: str) -> str:
    return f"{argument} ({_VARIABLES[argument]})"


@guarded_init
@attrs.frozen
class ClientCredentials:
    """The client id and secret from Sesamy (OAuth2, RFC 6749).

    Neither the repr nor `attrs.asdict` shows the secret; they can't be
    pickled.

    Attributes:
        client_id: The id of the client; not secret.
        client_secret: A `Secret`, also if it was given as a str.
        scope: The scope to request.
        audience: The API that the token is for, if the server requires it.
        organization: The organization of the token, if it is required.
        encoding: How the credentials are sent: ``"json"``, ``"form"`` or
            ``"basic"``.  By default (None) JSON is tried first, then a
            form if JSON is refused; the encoding that worked is used from
            then on.  HTTP Basic is never the default: Sesamy's server
            accepts it only for ASCII secrets without ``:``.
        store: Stores the tokens; by default (None) the client's memory.

    Raises:
        ConfigurationError: A value is empty, or of the wrong type.
    """

    # S sends JSON, D a form; a server that refuses JSON was seen.
    # A does not decode HTTP Basic.

    client_id: str
    client_secret: Secret = attrs.field(converter=Secret)
    scope: str = attrs.field(default=DEFAULT_SCOPE, kw_only=True)
    audience: str | None = attrs.field(default=None, kw_only=True)
    organization: str | None = attrs.field(default=None, kw_only=True)
    encoding: Encoding | None = attrs.field(default=None, kw_only=True)
    store: TokenStore | None = attrs.field(
        default=None, kw_only=True, eq=False
    )

    def __attrs_post_init__(self) -> None:
        check = Problems()
        for name in _TEXTS:
            check(_check_text, name, getattr(self, name))
        check(check_encoding, self.encoding)
        if self.encoding == "basic":
            check(_check_basic, "client_id", self.client_id)
            check(_check_basic, "client_secret", self.client_secret.reveal())
        check(_check_store, self.store)
        check.raise_all()


def check_encoding(encoding: object) -> None:
    """Refuse all but the names of encodings and None."""
    if encoding not in (None, *_ENCODINGS):
        raise ConfigurationError(
            f"{named('encoding')} must be one of {', '.join(_ENCODINGS)}."
        )


def _check_store(store: object) -> None:
    # A class has the methods too, but they can't be called on it.
    if store is not None and (
        isinstance(store, type) or not isinstance(store, TokenStore)
    ):
        raise ConfigurationError(
            "store must be an object with the methods load, save and "
            "discard, such as MemoryTokenStore()."
        )


def _check_text(name: str, value: object) -> None:
    text = value.reveal() if isinstance(value, Secret) else value
    if text is None and name in _MAY_MISS:
        return
    if not isinstance(text, str):
        problem = f"is of type {type(text).__name__}"
    elif not text.strip():
        problem = "is empty"
    elif not is_text(text):
        problem = "contains bytes that are not UTF-8"
    elif (extra := around(text)) is not None:
        raise ConfigurationError(
            f"{named(name)} has {extra} around its value; remove them."
        )
    else:
        return
    raise ConfigurationError(
        f"{named(name)} must be a non-empty str; it {problem}."
    )


def _check_basic(name: str, text: object) -> None:
    if isinstance(text, str) and (not text.isascii() or ":" in text):
        raise ConfigurationError(
            f"{name} has a ':' or a character outside ASCII, which Sesamy's "
            'server does not accept by HTTP Basic. Use encoding="json" or '
            '"form" (SESAMY_TOKEN_ENCODING).'
        )


def token_request(
    credentials: ClientCredentials,
    token_url: str,
    encoding: Encoding | None = None,
    *,
    user_agent: str = USER_AGENT,
) -> Request:
    """Return the request for a token.

    Args:
        credentials: What is sent.
        token_url: Where it is sent.
        encoding: How it is sent, unless the credentials say so; by default
            as JSON.
        user_agent: Who requests the token.
    """
    encoding = credentials.encoding or encoding or "json"
    write = json.dumps if encoding == "json" else urlencode
    kind = "json" if encoding == "json" else "x-www-form-urlencoded"
    basic = basic_value(credentials) if encoding == "basic" else None
    fields = {
        "client_id": None if basic else credentials.client_id,
        "client_secret": None if basic else credentials.client_secret.reveal(),
        "grant_type": "client_credentials",
        "scope": credentials.scope,
        "audience": credentials.audience,
        "organization": credentials.organization,
    }
    given = {name: value for name, value in fields.items() if value}
    return Request(
        method="POST",
        url=token_url,
        headers={
            **HEADERS,
            "User-Agent": user_agent,
            "Content-Type": f"application/{kind}",
        },
        content=write(given).encode(),
        authorization=Secret(f"Basic {basic}") if basic else None,
    )


def basic_value(credentials: ClientCredentials) -> str:
    """Return the credentials encoded for HTTP Basic (RFC 7617)."""
    pair = f"{credentials.client_id}:{credentials.client_secret.reveal()}"
    return b64encode(pair.encode()).decode()


@guarded_init
@attrs.frozen
class StaticToken:
    """A token from elsewhere; it is never renewed.

    Attributes:
        token: The token without ``Bearer``; a `Secret`, also if it was
            given as a str.

    Raises:
        ConfigurationError: The token can't be sent in a header.
    """

    token: Secret = attrs.field(converter=Secret)

    def __attrs_post_init__(self) -> None:
        if not is_token(self.token.reveal()):
            raise ConfigurationError(
                "token must be the token without 'Bearer': a str of visible "
                "ASCII characters, without spaces and line breaks."
            )

    async def authorization(self, call: Call) -> str:
        """Return ``"Bearer <token>"``."""
        del call
        return f"Bearer {self.token.reveal()}"

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Return False: there is only this token."""
        del authorization, call
        return False


@attrs.frozen
class CallableAuth:
    """Calls a function before every attempt.

    Attributes:
        ask: Returns the whole Authorization value, such as
            ``"Bearer ..."``, or an awaitable of it.
    """

    # The repr of a functools.partial shows its arguments.
    ask: Callable[[], str | Awaitable[str]] = attrs.field(repr=False)

    @guarded
    async def authorization(self, call: Call) -> str:
        """Return what the function returns.

        Raises:
            ConfigurationError: It can't be the value of a header.
            Exception: What the function raises.
        """
        del call
        value = self.ask()
        if inspect.isawaitable(value):
            value = await value
        if not is_header_value(value):
            name = getattr(self.ask, "__qualname__", type(self.ask).__name__)
            raise ConfigurationError(wants_header_value(name, value))
        return value

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Return True: the function may return a new value."""
        del authorization, call
        return True


def credentials_from(
    auth: object,
    client_id: str | None,
    client_secret: Secret | None,
    source: SettingsSource,
) -> object:
    """Return `auth`, else credentials; refuse both, and a missing part."""
    if auth is None:
        check = Problems()
        pair = [
            check(source.required, name, value, _VARIABLES[name])
            for name, value in (
                ("client_id", client_id),
                ("client_secret", client_secret),
            )
        ]
        options = check(token_options, source, {})
        check.raise_all()
        return ClientCredentials(*pair, **options)
    if client_id is not None or client_secret is not None:
        raise ConfigurationError(
            "Pass either auth=, or client_id= and client_secret=."
        )
    return auth


def token_options(
    source: SettingsSource, given: Mapping[str, str | None]
) -> dict[str, Any]:
    """Return the options of `ClientCredentials`: `given`, else of `source`."""
    check = Problems()
    options = {
        name: check(source.optional, name, given.get(name), variable)
        for name, variable in _OPTIONS.items()
    }
    check(check_encoding, options["encoding"])
    check.raise_all()
    return {name: value for name, value in options.items() if value}


def bind(
    auth: object,
    *,
    token_url: str,
    runtime: Runtime,
    exchange: Proceed,
    user_agent: str = USER_AGENT,
) -> Auth:
    """Return the `Auth` of a client.

    Args:
        auth: `ClientCredentials`, an `Auth`, or a function that returns
            the whole Authorization value, or an awaitable of it.
        token_url: The token endpoint, for client credentials.
        runtime: The clock, random numbers and events.
        exchange: Sends a call once; raises unless the response is a success.
        user_agent: Who requests tokens.

    Raises:
        ConfigurationError: `auth` is none of these.
    """
    if isinstance(auth, ClientCredentials):
        # Imported late: it is most of this package, and others don't need it.
        from ._renewal import TokenAuth  # noqa: PLC0415

        return TokenAuth(auth, token_url, runtime, exchange, user_agent)
    if isinstance(auth, type):
        # A class has the methods too, but they can't be called on it.
        got = f"the class {auth.__name__}"
    elif isinstance(auth, Auth):
        return auth
    elif callable(auth):
        return CallableAuth(cast("Callable[[], str | Awaitable[str]]", auth))
    else:
        got = f"the type {type(auth).__name__}"
    raise ConfigurationError(
        "auth= must be ClientCredentials, StaticToken, an object with the "
        "methods authorization and rejected, or a function that returns "
        f"the Authorization value; got {got}."
    )
