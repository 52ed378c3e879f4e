"""The token endpoint, as token.sesamy.com was seen to answer."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl

import attrs

from sesamy_async.core.secret import Secret

from .config import Client, SandboxConfig
from .decision import Decision, Moment
from .envelope import json_answer
from .exchange import Answer, SandboxRequest
from .fields import parse
from .token import Grant


_FIELDS = ("client_id", "client_secret", "grant_type", "scope")
_GRANT_TYPE = "client_credentials"
_NOT_STORED = {"Cache-Control": "no-store"}
_NOT_FOUND = json_answer(403, {"message": "Client not found"})


@attrs.frozen(kw_only=True)
class _Asked:
    """What a client asks the token endpoint for."""

    client_id: str | None
    client_secret: Secret | None
    grant_type: str | None
    scope: str | None


def issue(
    request: SandboxRequest, config: SandboxConfig, moment: Moment
) -> Decision:
    """Decide about a request for a token."""
    if config.unknown_tenant:
        return Decision(json_answer(404, {"message": "Tenant not found"}))
    asked = _read(request, form_only=config.form_only)
    if isinstance(asked, Answer):
        return Decision(asked)
    client = _identify(asked, config)
    if isinstance(client, Answer):
        return Decision(client)
    if asked.grant_type != _GRANT_TYPE:
        return Decision(
            _oauth_error(400, "unauthorized_client", "Grant type not allowed")
        )
    scopes = frozenset((asked.scope or "").split())
    if not scopes <= set(client.scopes):
        return Decision(
            _oauth_error(403, "access_denied", "Scope not granted")
        )
    scopes = scopes or frozenset(client.scopes)
    if config.tokens_without_scope:
        scopes = frozenset()
    token = _token(scopes, moment)
    answer = json_answer(
        200,
        {
            "access_token": token.reveal(),
            "token_type": "Bearer",
            "expires_in": config.token_lifetime,
        },
        _NOT_STORED,
    )
    grant = Grant(
        token=token,
        client_id=client.id,
        scopes=scopes,
        expires_at=moment.now + config.token_lifetime,
    )
    return Decision(answer, grant)


def _token(scopes: frozenset[str], moment: Moment) -> Secret:
    """Return a JWT, as A gives; nobody checks its signature."""
    parts = (
        {"typ": "JWT", "alg": "none"},
        {"scope": " ".join(sorted(scopes))},
    )
    encoded = (
        base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts
    )
    head, claims = (part.decode().rstrip("=") for part in encoded)
    return Secret(f"{head}.{claims}.{moment.fresh}")


def _identify(asked: _Asked, config: SandboxConfig) -> Client | Answer:
    if not asked.client_id:
        return Answer(
            status=400,
            headers={"Content-Type": "text/plain; charset=UTF-8"},
            body=b"client_id is required",
        )
    if not asked.client_secret:
        return json_answer(401, {"message": "client_secret is required"})
    for client in config.clients:
        if client.id == asked.client_id:
            if client.secret == asked.client_secret:
                return client
            return json_answer(403, {"message": "Invalid client credentials"})
    return _NOT_FOUND


def _read(request: SandboxRequest, *, form_only: bool) -> _Asked | Answer:
    kind = request.headers.get("content-type", "").partition(";")[0]
    fields: Mapping[str, object] = {}
    match kind.strip().lower():
        case "application/json" if form_only:
            return _NOT_FOUND
        case "application/json":
            try:
                content = parse(request.body)
            except ValueError:
                return json_answer(500, {"message": "Internal Server Error"})
            if not isinstance(content, dict):
                return _zod_error("object", content, ())
            fields = cast("dict[str, object]", content)
        case "application/x-www-form-urlencoded":
            text = request.body.decode(errors="replace")
            fields = dict(parse_qsl(text, keep_blank_values=True))
        case _:
            pass
    texts: dict[str, str] = {}
    for name in _FIELDS:
        value = fields.get(name)
        if isinstance(value, str):
            texts[name] = value
        elif name in fields:
            return _zod_error("string", value, (name,))
    if "grant_type" not in texts:
        return _zod_error("string", None, ("grant_type",))
    basic_id, basic_secret = _basic(request.headers.get("authorization", ""))
    secret = texts.get("client_secret") or basic_secret
    return _Asked(
        client_id=texts.get("client_id") or basic_id,
        client_secret=Secret(secret) if secret else None,
        grant_type=texts["grant_type"],
        scope=texts.get("scope"),
    )


def _basic(authorization: str) -> tuple[str | None, str | None]:
    """Read HTTP Basic as that server does, its faults included.

    It takes the bytes for Latin-1, decodes no percent-encoding, and cuts
    the secret at its first colon.
    """
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None, None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return None, None
    parts = decoded.decode("latin-1").split(":")
    return parts[0], parts[1] if len(parts) > 1 else None


def _oauth_error(status: int, error: str, description: str) -> Answer:
    return json_answer(
        status, {"error": error, "error_description": description}
    )


def _zod_error(
    expected: str, received: object, path: tuple[str, ...]
) -> Answer:
    missing = received is None
    issue = {
        "code": "invalid_type",
        "expected": expected,
        "received": "undefined" if missing else type(received).__name__,
        "path": path,
        "message": "Required" if missing else f"Expected {expected}",
    }
    return json_answer(
        400,
        {
            "success": False,
            "error": {"name": "ZodError", "message": json.dumps([issue])},
        },
    )
