"""What authorizes a client: credentials, tokens and functions."""

from __future__ import annotations

import inspect
import json
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import urlencode

import attrs

from sesamy_async._call import Auth, Call, Proceed, Request, Runtime, Secret
from sesamy_async._headers import is_header_value, is_token, wants_header_value
from sesamy_async._settings import HEADERS, SettingsSource
from sesamy_async.errors import ConfigurationError

from ._stores import TokenStore


DEFAULT_SCOPE = "payments:contract:third-party-onboarding"
Encoding: TypeAlias = Literal["json", "form", "basic"]
"""How credentials travel."""

_ENCODINGS = ("json", "form", "basic")
OPTIONAL = {
    "scope": "SESAMY_SCOPE",
    "audience": "SESAMY_AUDIENCE",
    "organization": "SESAMY_ORGANIZATION",
    "encoding": "SESAMY_TOKEN_ENCODING",
}
"""The variable of each argument that may be left out."""

_VARIABLES = {
    "client_id": "SESAMY_CLIENT_ID",
    "client_secret": "SESAMY_CLIENT_SECRET",
    **OPTIONAL,
}
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@attrs.frozen(init=False)
class ClientCredentials:
    """The client id and secret that Sesamy gave you (OAuth2, RFC 6749).

    The secret is in no repr, no `attrs.asdict` and no copy's repr, and
    pickling is refused.

    Attributes:
        client_id: Names the client; no secret.
        client_secret: A `Secret`, however it was given.
        scope: What the token shall permit (S).
        audience: For whom the token is, where the server asks for it (D).
        organization: For which organization, likewise (A).
        encoding: How the credentials travel: ``"json"`` (S), ``"form"``
            or ``"basic"`` (D, A).  None, the default, is JSON first, and
            a form where JSON is refused (W); what worked is used from
            then on.  HTTP Basic works at Sesamy's server only for secrets
            without ``:`` and without non-ASCII characters, sent without
            percent-encoding (A): so it is a choice, never the default.
        store: Where tokens are kept; None for the memory of the client.
    """

    client_id: str
    client_secret: Secret
    scope: str
    audience: str | None
    organization: str | None
    encoding: Encoding | None
    store: TokenStore | None = attrs.field(eq=False)

    def __init__(
        self,
        client_id: str,
        client_secret: str | Secret,
        *,
        scope: str = DEFAULT_SCOPE,
        audience: str | None = None,
        organization: str | None = None,
        encoding: Encoding | None = None,
        store: TokenStore | None = None,
    ) -> None:
        # Wrapped here, for a traceback may show the locals of this frame;
        # checked when all is set, for it may show the repr of self too.
        client_secret = Secret(client_secret)
        self.__attrs_init__(  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
            client_id=client_id,
            client_secret=client_secret,
            scope=scope,
            audience=audience,
            organization=organization,
            encoding=encoding,
            store=store,
        )

    def __attrs_post_init__(self) -> None:
        _check_text("client_id", self.client_id)
        _check_text("client_secret", self.client_secret)
        _check_text("scope", self.scope)
        if self.audience is not None:
            _check_text("audience", self.audience)
        if self.organization is not None:
            _check_text("organization", self.organization)
        if self.encoding is not None and self.encoding not in _ENCODINGS:
            raise ConfigurationError(
                f"{_named('encoding')} must be one of {', '.join(_ENCODINGS)}."
            )
        if self.encoding == "basic":
            _check_basic("client_id", self.client_id)
            _check_basic("client_secret", self.client_secret)
        if self.store is not None and not _is_store(self.store):
            raise ConfigurationError(
                "store must be an object with the methods load, save and "
                "discard, such as MemoryTokenStore()."
            )


def token_request(
    credentials: ClientCredentials,
    token_url: str,
    encoding: Encoding | None = None,
) -> Request:
    """Build the request for a token (S section 1; D, A for the variants).

    Args:
        credentials: Whose token, and how they travel.
        token_url: The absolute URL of the token endpoint.
        encoding: Where the credentials choose none; JSON if not given.

    Returns:
        A request whose repr shows neither body nor authorization.
    """
    # The secret is in no local variable here: see ClientCredentials.
    encoding = credentials.encoding or encoding or "json"
    if encoding == "json":
        return Request(
            method="POST",
            url=token_url,
            headers=_headers("application/json"),
            content=json.dumps(
                {**_identity(credentials), **_grant(credentials)}
            ).encode(),
        )
    if encoding == "form":
        return Request(
            method="POST",
            url=token_url,
            headers=_headers("application/x-www-form-urlencoded"),
            content=urlencode(
                {**_identity(credentials), **_grant(credentials)}
            ).encode(),
        )
    return Request(
        method="POST",
        url=token_url,
        headers=_headers("application/x-www-form-urlencoded"),
        content=urlencode(_grant(credentials)).encode(),
        authorization=Secret(f"Basic {basic_value(credentials)}"),
    )


def basic_value(credentials: ClientCredentials) -> str:
    """Return the credentials as HTTP Basic writes them (RFC 7617)."""
    return b64encode(
        f"{credentials.client_id}:"
        f"{credentials.client_secret.reveal()}".encode()
    ).decode()


def _headers(content_type: str) -> dict[str, str]:
    return {**HEADERS, "Content-Type": content_type}


def _identity(credentials: ClientCredentials) -> dict[str, str]:
    return {
        "client_id": credentials.client_id,
        "client_secret": credentials.client_secret.reveal(),
    }


def _grant(credentials: ClientCredentials) -> dict[str, str]:
    fields = {
        "grant_type": "client_credentials",
        "scope": credentials.scope,
    }
    if credentials.audience is not None:
        fields["audience"] = credentials.audience
    if credentials.organization is not None:
        fields["organization"] = credentials.organization
    return fields


def _is_store(value: object) -> bool:
    # Not a class of stores either, though that has the methods too.
    return isinstance(value, TokenStore) and not isinstance(value, type)


def _check_text(name: str, value: str | Secret) -> None:
    problem = _text_problem(value)
    if problem is not None:
        raise ConfigurationError(
            f"{_named(name)} must be a text; it {problem}."
        )


def _named(name: str) -> str:
    return f"{name} (or {_VARIABLES[name]})"


def _text_problem(value: object) -> str | None:
    """Say what is wrong; never raises, so its locals are in no traceback."""
    text = value.reveal() if isinstance(value, Secret) else value
    if not isinstance(text, str):
        return f"is of type {type(text).__name__}"
    if not text.strip():
        return "is empty"
    if _LONE_SURROGATE.search(text):
        return "holds bytes that are no UTF-8"
    return None


def _check_basic(name: str, value: str | Secret) -> None:
    if not _fits_basic(value):
        raise ConfigurationError(
            f"{name} has a ':' or a character outside ASCII, which Sesamy's "
            'server does not take by HTTP Basic. Use encoding="json" or '
            '"form" (SESAMY_TOKEN_ENCODING).'
        )


def _fits_basic(value: str | Secret) -> bool:
    text = Secret(value).reveal()
    return text.isascii() and ":" not in text


@attrs.frozen(init=False)
class StaticToken:
    """A token that was got elsewhere and can't be renewed here.

    Attributes:
        token: A `Secret`, however it was given; without ``Bearer``.
    """

    token: Secret

    def __init__(self, token: str | Secret) -> None:
        # Wrapped here, for a traceback may show the locals of this frame;
        # checked when all is set, for it may show the repr of self too.
        token = Secret(token)
        self.__attrs_init__(token)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

    def __attrs_post_init__(self) -> None:
        if not is_token(self.token.reveal()):
            raise ConfigurationError(
                "token must be the token alone, without 'Bearer': a text of "
                "visible ASCII characters, without spaces and line breaks."
            )

    async def authorization(self, call: Call) -> str:
        """Return ``"Bearer <token>"``."""
        del call
        return f"Bearer {self.token.reveal()}"

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Return False: there is no other token."""
        del authorization, call
        return False


@attrs.frozen
class CallableAuth:
    """Asks a function of the caller's before every attempt.

    Attributes:
        ask: Returns the whole Authorization value, such as
            ``"Bearer ..."``, or an awaitable of it.  It should remember
            what it got.
    """

    # A functools.partial shows its arguments.
    ask: Callable[[], str | Awaitable[str]] = attrs.field(repr=False)

    async def authorization(self, call: Call) -> str:
        """Return what the function returns.

        Raises:
            ConfigurationError: It is nothing that can stand in a header.
            Exception: Whatever the function raises.
        """
        del call
        answer = Secret(await _wait_for(self.ask()))
        if not is_header_value(answer.reveal()):
            name = getattr(self.ask, "__qualname__", type(self.ask).__name__)
            raise ConfigurationError(wants_header_value(name, answer.reveal()))
        return answer.reveal()

    async def rejected(self, authorization: str, call: Call) -> bool:
        """Return True: asking again may give a new value."""
        del authorization, call
        return True


async def _wait_for(answer: str | Awaitable[str]) -> str:
    return await answer if inspect.isawaitable(answer) else answer


def credentials_from(
    auth: object,
    client_id: str | None,
    client_secret: Secret | None,
    source: SettingsSource,
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
    source: SettingsSource, given: Mapping[str, str | None] | None = None
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
    """
    if isinstance(auth, ClientCredentials):
        # Only here: it is most of `auth`, and other ways need none of it.
        from sesamy_async.auth._renewal import TokenAuth  # noqa: PLC0415

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
