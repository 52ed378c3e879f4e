"""What Sesamy does with a request: tokens, contracts, confirms, events."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Never
from urllib.parse import parse_qsl

import attrs

from sesamy_async._call import Secret
from sesamy_async._models import is_object

from ._config import SCOPES, Client, PromoCode, SandboxConfig
from ._exchange import (
    CONFIRMATION,
    ORDER,
    Answer,
    Endpoint,
    Route,
    SandboxRequest,
    confirms_at_once,
    error_answer,
    json_answer,
    message_answer,
    parse,
    wrong_field,
)
from ._ledger import Grant, Ledger, SoldContract


_CLIENT_NOT_FOUND = message_answer(403, "Client not found")
_MONTH = 30 * 24 * 3600


class _Refused(Exception):  # noqa: N818 - it carries a response
    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Service:
    """Sesamy at the time of one request; the headers are of its response."""

    config: SandboxConfig
    ledger: Ledger
    now: float
    new_id: Callable[[], str]
    headers: Mapping[str, str]
    emit: Callable[[dict[str, str]], None]

    def answer(self, request: SandboxRequest, route: Route) -> Answer:
        """Process a request, and return the response."""
        try:
            match route.endpoint:
                case Endpoint.TOKEN:
                    answer = self._token(request)
                case Endpoint.CREATE | Endpoint.CONFIRM:
                    answer = self._payment(request, route)
                case _ if route.allowed:
                    said = f"The method must be {route.allowed}."
                    headers = {**self.headers, "Allow": route.allowed}
                    answer = error_answer(405, said, headers)
                case _:
                    self._refuse(404, "There is nothing here.")
        except _Refused as refused:
            answer = refused.answer
        headers = {**answer.headers, **self.headers}
        return attrs.evolve(answer, headers=headers)

    def _refuse(self, status: int, message: str, **more: Any) -> Never:
        raise _Refused(error_answer(status, message, self.headers, **more))

    def _token(self, request: SandboxRequest) -> Answer:
        config = self.config
        if config.unknown_tenant:
            return message_answer(404, "Tenant not found")
        fields = _token_fields(request, form_only=config.form_only)
        client = _find_client(fields, config)
        if fields["grant_type"] != "client_credentials":
            message = "Grant type not allowed"
            return _oauth_error(400, "unauthorized_client", message)
        scopes = frozenset(fields.get("scope", "").split())
        if not scopes <= set(client.scopes):
            return _oauth_error(403, "access_denied", "Scope not granted")
        scopes = scopes or frozenset(client.scopes)
        if config.tokens_without_scope:
            scopes = frozenset[str]()
        token = _jwt(scopes, self.new_id())
        expires_at = self.now + config.token_lifetime
        self.ledger.add_token(Secret(token), Grant(scopes, expires_at))
        content = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": config.token_lifetime,
        }
        return json_answer(200, content, {"Cache-Control": "no-store"})

    def _payment(self, request: SandboxRequest, route: Route) -> Answer:
        self._authorize(request)
        promo = self._promo(route)
        creates = route.endpoint is Endpoint.CREATE
        contract = (self._create if creates else self._confirm)(request, route)
        before = self.ledger.contract(contract.id)
        new_user = self.ledger.is_new_user(contract)
        self.ledger.apply(contract, request.body if creates else None)
        if new_user:
            self.emit(event("userVendor.1#new", contract, self.now))
        if contract.confirmed and not (before and before.confirmed):
            self.emit(event("contract.1#purchased", contract, self.now))
        return json_answer(200, _show(contract, promo))

    def _authorize(self, request: SandboxRequest) -> None:
        authorization = request.headers.get("authorization", "")
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            self._refuse(401, "A bearer token is required.")
        grant = self.ledger.grant(Secret(token.strip()))
        if grant is None or grant.expires_at <= self.now:
            self._refuse(401, "The bearer token is unknown or has expired.")
        if grant.scopes.isdisjoint(SCOPES):
            self._refuse(403, "The scope of the token does not permit this.")

    def _promo(self, route: Route) -> PromoCode:
        promo_codes = {
            (vendor.id, promo.code): promo
            for vendor in self.config.vendors
            for promo in vendor.promo_codes
        }
        if _offer(route) not in promo_codes:
            self._refuse(404, "No such vendor or promo code.")
        return promo_codes[_offer(route)]

    def _create(self, request: SandboxRequest, route: Route) -> SoldContract:
        order = self._body(request, ORDER)
        email: str = order.get("userData", {}).get("email")
        order_id: str = order.get("externalOrderId")
        if not email:
            self._invalid("userData.email", "required")
        if not order_id:
            self._invalid("externalOrderId", "required")
        earlier = [
            each
            for each in self.ledger.contracts(order_id)
            if self.config.idempotent and each.vendor_id == route.vendor_id
        ]
        if earlier:
            contract = earlier[0]
        else:
            new = SoldContract(
                id=self._contract_id(),
                external_order_id=order_id,
                vendor_id=route.vendor_id,
                promo_code=route.promo_code,
                user_id=_user_id(email),
                payment_method=order.get("paymentMethod", "EXTERNAL"),
                payment_provider=order.get("paymentProvider", ""),
                created_at=self.now,
                body=request.body,
            )
            contract = self._invoiced(new, Endpoint.CREATE)
        if confirms_at_once(request.query):
            return self._confirmed(contract)
        return contract

    def _contract_id(self) -> str:
        new = self.new_id()
        # With a seed, a `KeptLedger` may have it from an earlier process.
        while self.ledger.contract(new) is not None:
            new = self.new_id()
        return new

    def _confirm(self, request: SandboxRequest, route: Route) -> SoldContract:
        if request.body.strip():
            self._body(request, CONFIRMATION)
        contract = self.ledger.contract(route.contract_id)
        if contract is None or _offer(contract) != _offer(route):
            self._refuse(404, "No such contract.")
        if contract.confirmed and self.config.confirm_once:
            self._refuse(409, "The contract is confirmed already.")
        confirmed = self._confirmed(contract)
        return attrs.evolve(confirmed, confirm_body=request.body)

    def _confirmed(self, contract: SoldContract) -> SoldContract:
        if contract.confirmed:
            return contract
        confirmed = attrs.evolve(contract, confirmed_at=self.now)
        return self._invoiced(confirmed, Endpoint.CONFIRM)

    def _invoiced(self, contract: SoldContract, on: Endpoint) -> SoldContract:
        if not contract.by_invoice or on != self.config.invoice_on:
            return contract
        return attrs.evolve(contract, invoices=contract.invoices + 1)

    def _body(self, request: SandboxRequest, shape: Any) -> Any:
        try:
            body = parse(request.body)
        except ValueError:
            self._invalid("", "must be JSON")
        problem = wrong_field(body, shape)
        if problem is not None:
            self._invalid(*problem)
        return body

    def _invalid(self, field: str, reason: str) -> Never:
        details = {"field": field} if field else {}
        details["reason"] = reason
        said = "is required" if reason == "required" else reason
        self._refuse(400, f"{field or 'The body'} {said}.", details=details)


def _offer(named: Route | SoldContract) -> tuple[str, str]:
    return named.vendor_id, named.promo_code


def _token_fields(
    request: SandboxRequest, *, form_only: bool
) -> dict[str, str]:
    """Return the fields of a token request, HTTP Basic included."""
    kind = request.headers.get("content-type", "").partition(";")[0]
    kind = kind.strip().lower()
    sent: Mapping[str, Any] = {}
    if kind == "application/json":
        if form_only:
            raise _Refused(_CLIENT_NOT_FOUND)
        try:
            body = parse(request.body)
        except ValueError:
            answer = message_answer(500, "Internal Server Error")
            raise _Refused(answer) from None
        if not is_object(body):
            raise _zod_error("object", body, ())
        sent = body
    elif kind == "application/x-www-form-urlencoded":
        text = request.body.decode(errors="replace")
        sent = dict(parse_qsl(text, keep_blank_values=True))
    fields: dict[str, str] = {}
    for name in ("client_id", "client_secret", "grant_type", "scope"):
        value = sent.get(name)
        if isinstance(value, str):
            fields[name] = value
        elif name in sent or name == "grant_type":
            raise _zod_error("string", value, (name,))
    basic = _basic(request.headers.get("authorization", ""))
    for name, text in zip(("client_id", "client_secret"), basic, strict=False):
        fields[name] = fields.get(name) or text
    return fields


def _basic(authorization: str) -> list[str]:
    # As authhero does (A): the bytes are Latin-1, percent-encoding is not
    # decoded, and the secret ends at its first colon.
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
        body = b"client_id is required"
        raise _Refused(Answer(status=400, headers=text, body=body))
    if not secret:
        raise _Refused(message_answer(401, "client_secret is required"))
    for client in config.clients:
        if client.id == client_id:
            if client.secret == Secret(secret):
                return client
            raise _Refused(message_answer(403, "Invalid client credentials"))
    raise _Refused(_CLIENT_NOT_FOUND)


def _jwt(scopes: frozenset[str], unique: str) -> str:
    """Return a token as authhero issues them; its signature means nothing."""
    head = {"typ": "JWT", "alg": "none"}
    claims = {"scope": " ".join(sorted(scopes))}
    parts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode()
        for part in (head, claims)
    ]
    return ".".join([*(part.rstrip("=") for part in parts), unique])


def _oauth_error(status: int, error: str, description: str) -> Answer:
    content = {"error": error, "error_description": description}
    return json_answer(status, content)


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
    error = {"name": "ZodError", "message": json.dumps([issue])}
    return _Refused(json_answer(400, {"success": False, "error": error}))


def _show(contract: SoldContract, promo: PromoCode) -> dict[str, Any]:
    # Without an externalOrderId: no source shows one in a response.
    confirmed = contract.confirmed_at
    created = contract.created_at
    return {
        "id": contract.id,
        "name": promo.name,
        "userId": contract.user_id,
        "createdAt": _iso(created),
        "updatedAt": _iso(created if confirmed is None else confirmed),
        "price": promo.price,
        "nextBillAt": _iso(created + _MONTH),
        "nextPrice": promo.price,
        "currency": promo.currency,
        "contractDuration": "RECURRING",
        "items": [
            {"sku": promo.sku, "name": promo.name, "purchaseType": "OTHER"}
        ],
        "status": "PENDING" if confirmed is None else "ACTIVE",
        "isActive": confirmed is not None,
        "recurringInterval": "MONTH",
        "recurringTime": 1,
        "willCancelAt": None,
        "cancelRequestedAt": None,
        "paymentData": {
            "method": contract.payment_method,
            "description": "Sold by a third party",
        },
        "appliedDiscounts": [
            {
                "code": contract.promo_code,
                "name": promo.name,
                "description": "",
                "id": f"promo-{promo.sku}",
            }
        ],
    }


def _user_id(email: str) -> str:
    """Return the id of a user, which does not reveal the email address."""
    digest = blake2b(email.lower().encode(errors="replace"), digest_size=16)
    return digest.hexdigest()


EVENT_TYPES = (
    "userVendor.1#new",
    "userVendor.1#update",
    "contract.1#purchased",
    "contract.1#update",
    "contract#cancelRequest",
    "checkout.1#confirm",
)
"""The events that Sesamy forwards to webhooks."""


def event(kind: str, contract: SoldContract, now: float) -> dict[str, str]:
    """Return an event as Sesamy posts one; ``occured_at`` is spelled so."""
    about = {"eventType": kind, "vendorId": contract.vendor_id}
    about |= {"userId": contract.user_id, "occured_at": _iso(now)}
    if kind.startswith("contract"):
        about["contractId"] = contract.id
    if kind.startswith("checkout"):
        # An order from outside has no checkout: its id is made up.
        about["checkoutId"] = contract.id[::-1]
    return about


def _iso(unix: float) -> str:
    moment = datetime.fromtimestamp(unix, UTC)
    return moment.isoformat(timespec="milliseconds")[:-6] + "Z"
