"""The client credentials, and the request that trades them for a token."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import Literal, TypeAlias
from urllib.parse import urlencode

import attrs

from sesamy_async.core.call import Request
from sesamy_async.core.secret import Secret
from sesamy_async.errors import ConfigurationError
from sesamy_async.identity import HEADERS

from .store import TokenStore


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

    .. versionadded:: 0.1.0
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

    .. versionadded:: 0.1.0
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
