"""What Sesamy does with a request: tokens, contracts, confirms."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
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
    Route,
    SandboxRequest,
    error_answer,
    json_answer,
    parse,
    wrong_field,
)
from ._ledger import Grant, Ledger, SoldContract, show, user_id


_TOKEN_FIELDS = ("client_id", "client_secret", "grant_type", "scope")
_REQUIRED = ("userData.email", "externalOrderId")
_YES = {"1", "true"}


class _Refused(Exception):  # noqa: N818 - it carries an answer
    """Ends a request with its answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Service:
    """Sesamy at the time of one request; the headers are of its answer."""

    config: SandboxConfig
    ledger: Ledger
    now: float
    new_id: Callable[[], str]
    headers: Mapping[str, str]

    def answer(self, request: SandboxRequest, route: Route) -> Answer:
        """Do what a request asks for, and answer it."""
        try:
            match route.endpoint:
                case Endpoint.TOKEN:
                    answer = self._token(request)
                case Endpoint.CREATE | Endpoint.CONFIRM:
                    answer = self._payment(request, route)
                case _:
                    answer = self._nothing_here(route)
        except _Refused as refused:
            answer = refused.answer
        return attrs.evolve(answer, headers={**answer.headers, **self.headers})

    def _nothing_here(self, route: Route) -> Answer:
        if not route.allowed:
            return self._error(404, "There is nothing here.")
        answer = self._error(405, f"Only {route.allowed} is possible here.")
        return attrs.evolve(
            answer, headers={**answer.headers, "Allow": route.allowed}
        )

    def _error(
        self, status: int, message: str, details: dict[str, str] | None = None
    ) -> Answer:
        return error_answer(status, message, self.headers, details=details)

    def _token(self, request: SandboxRequest) -> Answer:
        config = self.config
        if config.unknown_tenant:
            return _message(404, "Tenant not found")
        fields = _token_fields(request, form_only=config.form_only)
        client = _find_client(fields, config)
        if fields["grant_type"] != "client_credentials":
            return _oauth_error(
                400, "unauthorized_client", "Grant type not allowed"
            )
        scopes = frozenset(fields.get("scope", "").split())
        if not scopes <= set(client.scopes):
            return _oauth_error(403, "access_denied", "Scope not granted")
        scopes = scopes or frozenset(client.scopes)
        if config.tokens_without_scope:
            scopes = frozenset[str]()
        token = _jwt(scopes, self.new_id())
        expires_at = self.now + config.token_lifetime
        self.ledger.add_token(Secret(token), Grant(scopes, expires_at))
        return json_answer(
            200,
            {
                "access_token": token,
                "token_type": "Bearer",
                "expires_in": config.token_lifetime,
            },
            {"Cache-Control": "no-store"},
        )

    def _payment(self, request: SandboxRequest, route: Route) -> Answer:
        self._authorize(request)
        promo = self._promo(route)
        if route.endpoint is Endpoint.CREATE:
            contract = self._create(request, route)
        else:
            contract = self._confirm(request, route)
        self.ledger.apply(contract)
        return json_answer(200, show(contract, promo))

    def _authorize(self, request: SandboxRequest) -> None:
        authorization = request.headers.get("authorization", "")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise _Refused(self._error(401, "A bearer token is required."))
        grant = self.ledger.grant(Secret(token.strip()))
        if grant is None or grant.expires_at <= self.now:
            raise _Refused(
                self._error(401, "The bearer token is unknown or has expired.")
            )
        if grant.scopes.isdisjoint(SCOPES):
            raise _Refused(
                self._error(
                    403, "The scope of the token does not permit this."
                )
            )

    def _promo(self, route: Route) -> PromoCode:
        for vendor in self.config.vendors:
            for promo in vendor.promo_codes:
                if (vendor.id, promo.code) == (
                    route.vendor_id,
                    route.promo_code,
                ):
                    return promo
        raise _Refused(self._error(404, "No such vendor or promo code."))

    def _create(self, request: SandboxRequest, route: Route) -> SoldContract:
        order = self._body(request, ORDER)
        for path in _REQUIRED:
            found = order
            for name in path.split("."):
                found = found.get(name, {})
            if not found:
                raise self._invalid(path, "required")
        order_id: str = order["externalOrderId"]
        contract = self._earlier(order_id, route.vendor_id) or SoldContract(
            id=self._contract_id(),
            external_order_id=order_id,
            vendor_id=route.vendor_id,
            promo_code=route.promo_code,
            user_id=user_id(order["userData"]["email"]),
            payment_method=order.get("paymentMethod", "EXTERNAL"),
            created_at=self.now,
            body=request.body,
        )
        confirm = parse_qs(request.query).get("confirm", [""])[-1] in _YES
        return self._confirmed(contract) if confirm else contract

    def _earlier(self, order_id: str, vendor_id: str) -> SoldContract | None:
        earlier = self.ledger.contracts(order_id)
        if not self.config.idempotent:
            earlier = ()
        return next((it for it in earlier if it.vendor_id == vendor_id), None)

    def _contract_id(self) -> str:
        """Return an id that no contract has.

        With a seed, each process makes the same ids, and a `KeptLedger` has
        those of the process before.
        """
        new = self.new_id()
        while self.ledger.contract(new) is not None:
            new = self.new_id()
        return new

    def _confirm(self, request: SandboxRequest, route: Route) -> SoldContract:
        if request.body.strip():
            self._body(request, CONFIRMATION)
        contract = self.ledger.contract(route.contract_id)
        if contract is None or (contract.vendor_id, contract.promo_code) != (
            route.vendor_id,
            route.promo_code,
        ):
            raise _Refused(self._error(404, "No such contract."))
        return attrs.evolve(
            self._confirmed(contract), confirm_body=request.body
        )

    def _confirmed(self, contract: SoldContract) -> SoldContract:
        if contract.confirmed:
            return contract
        return attrs.evolve(contract, confirmed_at=self.now)

    def _body(self, request: SandboxRequest, shape: Any) -> Any:
        try:
            body = parse(request.body)
        except ValueError:
            raise self._invalid("", "must be JSON") from None
        problem = wrong_field(body, shape)
        if problem is not None:
            raise self._invalid(*problem)
        return body

    def _invalid(self, field: str, reason: str) -> _Refused:
        details = {"field": field} if field else {}
        details["reason"] = reason
        said = "is required" if reason == "required" else reason
        return _Refused(
            self._error(400, f"{field or 'The body'} {said}.", details)
        )


def _token_fields(
    request: SandboxRequest, *, form_only: bool
) -> dict[str, str]:
    """Return what a client sent for a token, HTTP Basic included."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    sent: Mapping[str, object] = {}
    match kind.strip().lower():
        case "application/json":
            sent = _json_fields(request.body, form_only=form_only)
        case "application/x-www-form-urlencoded":
            text = request.body.decode(errors="replace")
            sent = dict(parse_qsl(text, keep_blank_values=True))
        case _:
            pass
    fields: dict[str, str] = {}
    for name in _TOKEN_FIELDS:
        value = sent.get(name)
        if isinstance(value, str):
            fields[name] = value
        elif name in sent or name == "grant_type":
            raise _zod_error("string", value, (name,))
    basic = _basic(request.headers.get("authorization", ""))
    for name, text in zip(("client_id", "client_secret"), basic, strict=False):
        fields[name] = fields.get(name) or text
    return fields


def _json_fields(body: bytes, *, form_only: bool) -> dict[str, object]:
    if form_only:
        raise _Refused(_message(403, "Client not found"))
    try:
        content = parse(body)
    except ValueError:
        raise _Refused(_message(500, "Internal Server Error")) from None
    if not isinstance(content, dict):
        raise _zod_error("object", content, ())
    return cast("dict[str, object]", content)


def _basic(authorization: str) -> list[str]:
    """Read HTTP Basic as that server does, its faults included.

    It takes the bytes for Latin-1, decodes no percent-encoding, and cuts
    the secret at its first colon.
    """
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return []
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except binascii.Error:
        return []
    return decoded.decode("latin-1").split(":")[:2]


def _find_client(fields: Mapping[str, str], config: SandboxConfig) -> Client:
    client_id, secret = fields.get("client_id"), fields.get("client_secret")
    if not client_id:
        text = {"Content-Type": "text/plain; charset=UTF-8"}
        raise _Refused(
            Answer(status=400, headers=text, body=b"client_id is required")
        )
    if not secret:
        raise _Refused(_message(401, "client_secret is required"))
    for client in config.clients:
        if client.id == client_id:
            if client.secret == Secret(secret):
                return client
            raise _Refused(_message(403, "Invalid client credentials"))
    raise _Refused(_message(403, "Client not found"))


def _jwt(scopes: frozenset[str], unique: str) -> str:
    """Return a token such as authhero gives; nobody checks its signature."""
    parts = (
        {"typ": "JWT", "alg": "none"},
        {"scope": " ".join(sorted(scopes))},
    )
    encoded = (
        base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts
    )
    head, claims = (part.decode().rstrip("=") for part in encoded)
    return f"{head}.{claims}.{unique}"


def _message(status: int, message: str) -> Answer:
    return json_answer(status, {"message": message})


def _oauth_error(status: int, error: str, description: str) -> Answer:
    return json_answer(
        status, {"error": error, "error_description": description}
    )


def _zod_error(
    expected: str, received: object, path: tuple[str, ...]
) -> _Refused:
    missing = received is None
    issue = {
        "code": "invalid_type",
        "expected": expected,
        "received": "undefined" if missing else type(received).__name__,
        "path": path,
        "message": "Required" if missing else f"Expected {expected}",
    }
    return _Refused(
        json_answer(
            400,
            {
                "success": False,
                "error": {
                    "name": "ZodError",
                    "message": json.dumps([issue]),
                },
            },
        )
    )
