"""What the service does with a request: tokens, contracts, confirms."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, cast
from urllib.parse import parse_qs, parse_qsl

import attrs

from sesamy_async._call import Secret

from ._config import SCOPES, Client, PromoCode, SandboxConfig
from ._exchange import (
    CONFIRMATION,
    ORDER,
    Answer,
    Endpoint,
    FieldError,
    Route,
    SandboxRequest,
    check,
    error_answer,
    json_answer,
    parse,
)
from ._ledger import Grant, Ledger, SoldContract, show, user_id


@attrs.frozen(kw_only=True)
class Moment:
    """What a rule needs of the world.

    Attributes:
        now: The Unix time.
        request_id: Sesamy's name for the request.
        fresh: An id that nothing has yet.
    """

    now: float
    request_id: str
    fresh: str


@attrs.frozen
class Decision:
    """An answer, and what the ledger must take in for it to be true.

    Attributes:
        answer: For the client.
        change: For the ledger, if anything was done.
    """

    answer: Answer
    change: SoldContract | Grant | None = None


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


_REQUIRED = ("userData.email", "externalOrderId")
_YES = {"1", "true"}


def decide(
    request: SandboxRequest,
    route: Route,
    config: SandboxConfig,
    ledger: Ledger,
    moment: Moment,
) -> Decision:
    """Decide about any request; nothing is changed yet."""
    match route.endpoint:
        case Endpoint.TOKEN:
            return issue(request, config, moment)
        case Endpoint.CREATE | Endpoint.CONFIRM:
            return _payments(request, route, config, ledger, moment)
        case _:
            return Decision(_nothing_here(route, moment))


def _nothing_here(route: Route, moment: Moment) -> Answer:
    if route.known_path:
        return error_answer(
            405,
            "Only POST is possible here.",
            moment.request_id,
            headers={"Allow": "POST"},
        )
    return error_answer(404, "There is nothing here.", moment.request_id)


def _payments(
    request: SandboxRequest,
    route: Route,
    config: SandboxConfig,
    ledger: Ledger,
    moment: Moment,
) -> Decision:
    refusal = _unauthorized(request, ledger, moment)
    if refusal is not None:
        return Decision(refusal)
    promo = _find_promo(route, config)
    if promo is None:
        return Decision(
            error_answer(
                404, "No such vendor or promo code.", moment.request_id
            )
        )
    if route.endpoint is Endpoint.CREATE:
        earlier = partial(_earlier, route, config, ledger)
        return _create(request, route, promo, earlier, moment)
    return _confirm(request, route, promo, ledger, moment)


def _unauthorized(
    request: SandboxRequest, ledger: Ledger, moment: Moment
) -> Answer | None:
    authorization = request.headers.get("authorization", "")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        return error_answer(
            401, "A bearer token is required.", moment.request_id
        )
    grant = ledger.grant(Secret(token.strip()))
    if grant is None or grant.expires_at <= moment.now:
        return error_answer(
            401,
            "The bearer token is unknown or has expired.",
            moment.request_id,
        )
    if grant.scopes.isdisjoint(SCOPES):
        return error_answer(
            403,
            "The scope of the token does not permit this.",
            moment.request_id,
        )
    return None


def _find_promo(route: Route, config: SandboxConfig) -> PromoCode | None:
    for vendor in config.vendors:
        if vendor.id == route.vendor_id:
            for promo in vendor.promo_codes:
                if promo.code == route.promo_code:
                    return promo
    return None


def _create(
    request: SandboxRequest,
    route: Route,
    promo: PromoCode,
    earlier: Callable[[str], SoldContract | None],
    moment: Moment,
) -> Decision:
    invalid = partial(_invalid, moment=moment)
    try:
        order: Any = parse(request.body)
    except ValueError:
        return invalid(FieldError("", "must be JSON"))
    problem = check(order, ORDER, _REQUIRED)
    if problem is not None:
        return invalid(problem)
    order_id: str = order["externalOrderId"]
    contract = earlier(order_id) or SoldContract(
        id=moment.fresh,
        external_order_id=order_id,
        vendor_id=route.vendor_id,
        promo_code=route.promo_code,
        user_id=user_id(order["userData"]["email"]),
        payment_method=order.get("paymentMethod", "EXTERNAL"),
        created_at=moment.now,
        body=request.body,
    )
    if _confirms(request.query):
        contract = _now_confirmed(contract, moment)
    return Decision(json_answer(200, show(contract, promo)), contract)


def _earlier(
    route: Route, config: SandboxConfig, ledger: Ledger, order_id: str
) -> SoldContract | None:
    if not config.idempotent:
        return None
    for contract in ledger.contracts(order_id):
        if contract.vendor_id == route.vendor_id:
            return contract
    return None


def _confirms(query: str) -> bool:
    values = parse_qs(query).get("confirm", ("",))
    return values[-1] in _YES


def _now_confirmed(contract: SoldContract, moment: Moment) -> SoldContract:
    if contract.confirmed:
        return contract
    return attrs.evolve(contract, confirmed_at=moment.now)


def _confirm(
    request: SandboxRequest,
    route: Route,
    promo: PromoCode,
    ledger: Ledger,
    moment: Moment,
) -> Decision:
    problem = _confirmation_problem(request.body)
    if problem is not None:
        return _invalid(problem, moment=moment)
    contract = ledger.contract(route.contract_id)
    if contract is None or (contract.vendor_id, contract.promo_code) != (
        route.vendor_id,
        route.promo_code,
    ):
        return Decision(
            error_answer(404, "No such contract.", moment.request_id)
        )
    contract = attrs.evolve(
        _now_confirmed(contract, moment), confirm_body=request.body
    )
    return Decision(json_answer(200, show(contract, promo)), contract)


def _confirmation_problem(body: bytes) -> FieldError | None:
    if not body.strip():
        return None
    try:
        return check(parse(body), CONFIRMATION)
    except ValueError:
        return FieldError("", "must be JSON")


def _invalid(problem: FieldError, *, moment: Moment) -> Decision:
    details = {"reason": problem.reason}
    if problem.field:
        details = {"field": problem.field, **details}
    subject = problem.field or "The body"
    said = problem.reason.replace("required", "is required")
    return Decision(
        error_answer(
            400, f"{subject} {said}.", moment.request_id, details=details
        )
    )
