"""What Sesamy says to a create or a confirm: pure decisions.

Each rule looks at the request and at the ledger and changes neither; what
is to change is in the `Decision`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs

import attrs

from sesamy_async.core.secret import Secret

from .config import SCOPES, PromoCode, SandboxConfig
from .contract import SoldContract, show, user_id
from .decision import Decision, Moment
from .envelope import error_answer, json_answer
from .exchange import Answer, SandboxRequest
from .fields import CONFIRMATION, ORDER, Problem, check, parse
from .ledger import Ledger
from .oauth import issue
from .routes import Endpoint, Route


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
        return invalid(Problem("", "must be JSON"))
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


def _confirmation_problem(body: bytes) -> Problem | None:
    if not body.strip():
        return None
    try:
        return check(parse(body), CONFIRMATION)
    except ValueError:
        return Problem("", "must be JSON")


def _invalid(problem: Problem, *, moment: Moment) -> Decision:
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
