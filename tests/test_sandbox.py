"""The sandbox says to a create and a confirm what Sesamy says."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

import attrs
import pytest

from sesamy_async.core.headers import Headers
from sesamy_async.sandbox import (
    SCOPES,
    Answer,
    Client,
    Limit,
    PromoCode,
    Sandbox,
    SandboxConfig,
    SandboxRequest,
    Vendor,
)


CREATE = "/payments/vendor/acme/promos/code/SPRING-12"
CONFIRM = f"{CREATE}/confirm"
START = 1_800_000_000.0


def order(external_order_id: str = "A-1", **more: Any) -> dict[str, Any]:
    """Return an order as S shows one."""
    return {
        "externalOrderId": external_order_id,
        "paymentProvider": "KLARNA",
        "paymentMethod": "INVOICE",
        "quantity": 1,
        "userData": {"email": "ada@example.com", "fullName": "Ada L"},
        **more,
    }


@attrs.define
class Caller:
    """Somebody with a token and a clock."""

    config: SandboxConfig = attrs.field(factory=SandboxConfig)
    now: float = START
    token: str = ""
    sandbox: Sandbox = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.sandbox = Sandbox(self.config, clock=lambda: self.now)

    def post(
        self, path: str, body: Any = None, *, query: str = "", **headers: str
    ) -> Answer:
        """Post, with the token and as JSON unless told otherwise."""
        sent = {"Content-Type": "application/json"}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        sent |= {name.replace("_", "-"): headers[name] for name in headers}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.sandbox.handle(
            SandboxRequest(
                method="POST",
                path=path,
                query=query,
                headers=Headers(sent),
                body=raw,
            )
        )

    def log_in(self, scope: str | None = None) -> Answer:
        """Ask for a token and keep it."""
        environment = self.sandbox.environment()
        asked = {
            "client_id": environment["SESAMY_CLIENT_ID"],
            "client_secret": environment["SESAMY_CLIENT_SECRET"],
            "grant_type": "client_credentials",
        }
        if scope is not None:
            asked["scope"] = scope
        answer = self.post("/oauth/token", asked)
        self.token = content(answer)["access_token"]
        return answer

    def create(self, *args: Any, query: str = "", **more: Any) -> Answer:
        """Create a contract of an order."""
        return self.post(CREATE, order(*args, **more), query=query)


def content(answer: Answer) -> Any:
    """Parse the body of an answer."""
    return json.loads(answer.body)


def error(answer: Answer) -> tuple[int, str]:
    """Return the status and the code of an error."""
    return answer.status, content(answer)["error"]["code"]


def logged_in(**settings: Any) -> Caller:
    """Return somebody with a token for a sandbox."""
    caller = Caller(config=SandboxConfig(**settings))
    caller.log_in()
    return caller


@pytest.fixture
def caller() -> Caller:
    """Somebody with a token for the default sandbox."""
    return logged_in(seed=1)


def test_contract_has_the_documented_fields(caller: Caller) -> None:
    """A contract has every field that the sources show."""
    contract = content(caller.create())

    assert sorted(contract) == [
        "appliedDiscounts",
        "cancelRequestedAt",
        "contractDuration",
        "createdAt",
        "currency",
        "id",
        "isActive",
        "items",
        "name",
        "nextBillAt",
        "nextPrice",
        "paymentData",
        "price",
        "recurringInterval",
        "recurringTime",
        "status",
        "updatedAt",
        "userId",
        "willCancelAt",
    ]
    assert len(contract["id"]) == 32
    assert contract["createdAt"] == "2027-01-15T08:00:00.000Z"
    assert (contract["price"], contract["currency"]) == (99.0, "SEK")


@pytest.mark.parametrize(
    ("query", "confirmed"),
    [
        ("confirm=1", True),
        ("confirm=true", True),
        ("x=y&confirm=1", True),
        ("confirm=%31", True),
        ("confirm=false", False),
        ("confirm=0", False),
        ("confirm=", False),
        ("confirm=1&confirm=0", False),
        ("", False),
    ],
)
def test_only_yes_confirms(
    caller: Caller, query: str, confirmed: bool
) -> None:
    """A create confirms with `confirm` 1 or true, and never otherwise."""
    contract = content(caller.create(query=query))
    seen = contract["isActive"], contract["status"]

    assert seen == ((True, "ACTIVE") if confirmed else (False, "PENDING"))
    assert confirmed == bool(caller.sandbox.ledger.confirmed("A-1"))


def test_confirm_is_a_state(caller: Caller) -> None:
    """Confirming twice leaves the contract as confirming once does."""
    contract_id = content(caller.create())["id"]
    caller.now += 60
    first = caller.post(f"{CONFIRM}/{contract_id}", b"")
    caller.now += 60
    paid = {"providerPaymentData": {"reference": "1"}}
    second = caller.post(f"{CONFIRM}/{contract_id}", paid)
    (contract,) = caller.sandbox.ledger.confirmed("A-1")

    assert (first.status, second.status) == (200, 200)
    assert content(first) == content(second)
    assert contract.confirmed_at == START + 60
    assert paid == json.loads(contract.confirm_body)


def test_path_is_decoded_once() -> None:
    """An encoded segment is decoded once, and its slash splits nothing."""
    code = "50%2F50 & ü"
    offer = PromoCode(code=code, sku="s", name="n", price=1)
    caller = logged_in(vendors=(Vendor(id="a/b", promo_codes=(offer,)),))
    path = "/payments/vendor/a%2Fb/promos/code/50%252F50%20%26%20%C3%BC"
    contract_id = content(caller.post(path, order()))["id"]
    (contract,) = caller.sandbox.ledger.contracts("A-1")

    assert (contract_id, "a/b", code) == (
        contract.id,
        contract.vendor_id,
        contract.promo_code,
    )


def test_the_same_order_makes_a_second_contract(caller: Caller) -> None:
    """By default nothing keeps an order from having two contracts."""
    ids = [content(caller.create())["id"] for _ in range(2)]
    ledger = caller.sandbox.ledger

    assert ids == [contract.id for contract in ledger.contracts("A-1")]
    assert (ledger.count("A-1"), ledger.total) == (2, 2)


def test_idempotent_sandbox_returns_the_first_contract() -> None:
    """Where told to, a repeated order gets its first contract, per vendor."""
    offers = SandboxConfig().vendors[0].promo_codes
    caller = logged_in(
        idempotent=True,
        vendors=tuple(
            Vendor(id=name, promo_codes=offers) for name in ("acme", "zeta")
        ),
    )
    first = content(caller.create())
    again = content(caller.create(query="confirm=1"))
    other = caller.post(CREATE.replace("acme", "zeta"), order())

    assert first["id"] == again["id"]
    assert again["isActive"]
    assert first["id"] != content(other)["id"]
    assert caller.sandbox.ledger.count("A-1") == 2


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Basic eDp5", "Bearer unknown"],
)
def test_token_is_checked(caller: Caller, authorization: str) -> None:
    """Without a known bearer token there is a 401, and nothing is done."""
    answer = caller.post(CREATE, order(), Authorization=authorization)

    assert error(answer) == (401, "authentication_required")
    assert caller.sandbox.ledger.total == 0


def test_token_expires() -> None:
    """A token is good for its lifetime and not a second longer."""
    caller = logged_in(token_lifetime=10)
    caller.now += 9.9
    before = caller.create()
    caller.now += 0.1
    after = caller.create()

    assert before.status == 200
    assert error(after) == (401, "authentication_required")


def test_tokens_can_be_revoked(caller: Caller) -> None:
    """A revoked token is refused; a new one is not."""
    caller.sandbox.ledger.revoke_tokens()
    refused = caller.create()
    caller.log_in()

    assert refused.status == 401
    assert caller.create().status == 200


def test_scope_is_checked() -> None:
    """A token without the scope gets a 403; either name of it will do."""
    client = Client(id="c", secret="s", scopes=("other", *SCOPES))
    caller = Caller(config=SandboxConfig(clients=(client,)))
    answers: list[int] = []
    for scope in client.scopes:
        caller.log_in(scope)
        answers.append(caller.create().status)
    caller.log_in("other")

    assert answers == [403, 200, 200]
    assert error(caller.create()) == (403, "insufficient_permissions")


@pytest.mark.parametrize(
    "path",
    [
        CREATE.replace("acme", "nobody"),
        CREATE.replace("SPRING-12", "AUTUMN"),
        f"{CONFIRM}/{'0' * 32}",
        f"{CREATE}/",
        "/",
        "/oauth",
    ],
)
def test_unknown_things_are_not_found(caller: Caller, path: str) -> None:
    """An unknown vendor, promo code, contract or path is a 404."""
    answer = caller.post(path, order())

    assert error(answer) == (404, "resource_not_found")
    assert caller.sandbox.ledger.total == 0


def test_contract_belongs_to_its_promo_code(caller: Caller) -> None:
    """A contract can't be confirmed under another promo code."""
    contract_id = content(caller.create())["id"]
    path = f"{CONFIRM}/{contract_id}".replace("SPRING-12", "FAMILY-6")

    assert caller.post(path, b"").status == 404
    assert caller.sandbox.ledger.confirmed("A-1") == ()


def test_only_post(caller: Caller) -> None:
    """Another method than POST is a 405 that names the right one."""
    answer = caller.sandbox.handle(SandboxRequest(method="GET", path=CREATE))

    assert error(answer) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"userData": {}}, "userData.email", "required"),
        ({"userData": {"email": ""}}, "userData.email", "required"),
        ({"externalOrderId": ""}, "externalOrderId", "required"),
        ({"externalOrderId": 5}, "externalOrderId", "must be a string"),
        ({"userData": []}, "userData", "must be an object"),
        (
            {"quantity": True},
            "quantity",
            "must be a whole number of at least 1",
        ),
        ({"quantity": 0}, "quantity", "must be a whole number of at least 1"),
        (
            {"vendorData": {"a": 1}},
            "vendorData",
            "must be an object whose values are strings",
        ),
        (
            {"providerData": "x"},
            "providerData",
            "must be an object whose values are strings",
        ),
        (
            {"ownerData": {"address": {"zip": 12345}}},
            "ownerData.address.zip",
            "must be a string",
        ),
        (
            {"ownerData": {"extraData": 1}},
            "ownerData.extraData",
            "must be an object",
        ),
    ],
)
def test_wrong_field_is_named(
    caller: Caller, change: dict[str, Any], field: str, reason: str
) -> None:
    """A wrong or missing field is a 400 that names it by its path."""
    answer = caller.create(**change)

    assert error(answer) == (400, "validation_error")
    assert {"field": field, "reason": reason} == (
        content(answer)["error"]["details"]
    )
    assert caller.sandbox.ledger.total == 0


def test_missing_fields_are_named(caller: Caller) -> None:
    """Of an empty order the address is missed first."""
    answers = [
        caller.post(CREATE, {}),
        caller.post(CREATE, {"userData": {"email": "a@b.se"}}),
    ]

    assert [
        content(answer)["error"]["details"]["field"] for answer in answers
    ] == ["userData.email", "externalOrderId"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"NaN", b'"\xff"', b"[" * 100_000]
)
@pytest.mark.parametrize("confirm", [False, True])
def test_body_must_be_a_json_object(
    caller: Caller, body: bytes, confirm: bool
) -> None:
    """What is no JSON object is a 400; only a confirm may go without."""
    contract_id = content(caller.create())["id"]
    path = f"{CONFIRM}/{contract_id}" if confirm else CREATE
    answer = caller.post(path, body)

    assert (200 if confirm and not body else 400) == answer.status


def test_confirm_checks_its_fields(caller: Caller) -> None:
    """The data of a confirm are texts by name."""
    answer = caller.post(
        f"{CONFIRM}/{'0' * 32}", {"providerPaymentData": {"a": 1}}
    )

    assert (
        (content(answer)["error"]["details"]["field"]) == "providerPaymentData"
    )


def test_fields_that_nobody_documents_are_taken(caller: Caller) -> None:
    """Unknown fields and free-form data are no problem."""
    free = {"email": "a@b.se", "extraData": {"deep": [1, {"x": None}]}}
    caller.create(userData=free, surprise=[1])
    (contract,) = caller.sandbox.ledger.contracts("A-1")

    assert free == contract.order["userData"]


def test_each_answer_has_its_request_id(caller: Caller) -> None:
    """Each answer has an id of its own; an error repeats it."""
    answers = [caller.create(""), caller.create(), caller.log_in()]
    ids = [answer.headers["X-Request-Id"] for answer in answers]

    assert len(set(ids)) == 3
    assert ids[0] == content(answers[0])["error"]["request_id"]


def test_seed_repeats_the_ids() -> None:
    """The same seed gives the same ids; no seed, never the same."""

    def contract_id(seed: int | None) -> str:
        made = content(logged_in(seed=seed).create())
        found: str = made["id"]
        return found

    assert contract_id(7) == contract_id(7)
    assert contract_id(7) != contract_id(8)
    assert contract_id(None) != contract_id(None)


def rate(answer: Answer) -> tuple[str, str, str]:
    """Return what the headers say of the rate limit."""
    names = "Limit", "Remaining", "Reset"
    limit, remaining, reset = (
        answer.headers[f"X-RateLimit-{name}"] for name in names
    )
    return limit, remaining, reset


def test_rate_limit() -> None:
    """The burst is taken at once, the rest as places become free."""
    limit = Limit(requests_per_minute=30, burst=2)
    caller = logged_in(rate_limit=limit)
    answers = [caller.create() for _ in range(3)]
    caller.now += 1.5
    early = caller.create()
    caller.now += 0.5
    in_time = caller.create()
    now = int(START)

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [
        ("30", "1", str(now + 2)),
        ("30", "0", str(now + 4)),
        ("30", "0", str(now + 4)),
    ] == [rate(answer) for answer in answers]
    assert error(answers[2]) == (429, "rate_limit_exceeded")
    assert [
        content(answer)["error"]["retry_after"]
        for answer in (answers[2], early)
    ] == [2, 1]
    assert in_time.status == 200
    assert caller.sandbox.ledger.requests("create", 429) == 2


def test_bucket_never_overflows() -> None:
    """An idle hour frees the burst and no more; time may go back."""
    caller = logged_in(rate_limit=Limit(requests_per_minute=60, burst=2))
    caller.create()
    caller.now += 3600
    first = caller.create()
    caller.now -= 7200
    second = caller.create()
    third = caller.create()

    assert [rate(first)[1], rate(second)[1]] == ["1", "0"]
    assert third.status == 429


def test_rate_limit_spares_the_token_endpoint() -> None:
    """Tokens are neither counted nor told about."""
    caller = logged_in(rate_limit=Limit(requests_per_minute=1, burst=1))
    answers = [caller.log_in() for _ in range(3)]

    assert {200} == {answer.status for answer in answers}
    assert not any("X-RateLimit-Limit" in each.headers for each in answers)
    assert rate(caller.create())[1] == "0"


@pytest.mark.parametrize(
    "settings", [{"rate_limit": None}, {"rate_limit_headers": False}]
)
def test_rate_limit_may_be_silent(settings: dict[str, Any]) -> None:
    """Without a limit, or told so, answers say nothing of it."""
    answer = logged_in(**settings).create()

    assert answer.status == 200
    assert {"Content-Type", "X-Request-Id"} == set(answer.headers)


def test_ledger_tells_the_truth(caller: Caller) -> None:
    """The ledger lists orders, contracts and what was answered."""
    caller.create("A-1")
    caller.create("A-2", query="confirm=1")
    caller.create("")
    ledger = caller.sandbox.ledger
    (first,), (second,) = ledger.contracts("A-1"), ledger.contracts("A-2")
    places = {"vendorId": "acme", "promoCode": "SPRING-12"}

    assert ledger.orders() == ("A-1", "A-2")
    assert ledger.contracts("A-3") == ()
    assert (
        ledger.requests(),
        ledger.requests("create"),
        ledger.requests("create", 200),
        ledger.requests(status=400),
    ) == (4, 3, 2, 1)
    assert {
        "orders": {
            "A-1": [{"id": first.id, "confirmed": False, **places}],
            "A-2": [{"id": second.id, "confirmed": True, **places}],
        },
        "totals": {"orders": 2, "contracts": 2, "confirmed": 1},
        "requests": {"create": {"200": 2, "400": 1}, "token": {"200": 1}},
    } == ledger.as_json()


def test_reset_starts_over() -> None:
    """After a reset nothing is left: contracts, tokens, counts, faults."""
    caller = logged_in(rate_limit=Limit(requests_per_minute=1, burst=1))
    caller.create()
    caller.sandbox.faults.add("empty")
    caller.sandbox.reset()
    unknown = caller.create()
    caller.sandbox.reset()
    caller.log_in()

    assert unknown.status == 401
    assert caller.sandbox.faults.pending == ()
    assert caller.sandbox.ledger.total == 0
    assert caller.create().status == 200


@pytest.fixture
def _impatient_threads() -> Iterator[None]:
    """Let threads take turns as often as Python can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("_impatient_threads")
def test_threads_share_a_sandbox() -> None:
    """Of many threads no contract and no count is lost."""
    caller = logged_in(rate_limit=Limit(requests_per_minute=1, burst=300))

    together = threading.Barrier(8, timeout=30)

    def work(name: int) -> None:
        together.wait()
        for number in range(50):
            caller.create(f"{name}-{number}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    ledger = caller.sandbox.ledger

    assert ledger.total == 300
    assert (
        ledger.requests("create", 200),
        ledger.requests("create", 429),
    ) == (300, 100)


def test_environment_leads_here() -> None:
    """The variables name the vendor, the client and both URLs."""
    sandbox = Sandbox()
    common = {
        "SESAMY_VENDOR_ID": "acme",
        "SESAMY_CLIENT_ID": "sandbox-client",
        "SESAMY_CLIENT_SECRET": "sandbox-secret",
    }

    assert {
        **common,
        "SESAMY_BASE_URL": "https://api.sandbox.invalid",
        "SESAMY_TOKEN_URL": "https://token.sandbox.invalid/oauth/token",
    } == sandbox.environment()
    assert {
        **common,
        "SESAMY_BASE_URL": "http://127.0.0.1:1",
        "SESAMY_TOKEN_URL": "http://127.0.0.1:1/oauth/token",
    } == sandbox.environment("http://127.0.0.1:1/")


def test_reprs_hide_secrets_and_people(caller: Caller) -> None:
    """No repr shows a secret, a token or the data of a person."""
    answer = caller.create()
    request = SandboxRequest(
        method="POST",
        path=CREATE,
        query="email=ada@example.com",
        headers={"Authorization": f"Bearer {caller.token}"},
        body=b"ada@example.com",
    )
    (contract,) = caller.sandbox.ledger.contracts("A-1")
    shown = f"{answer!r} {request!r} {contract!r} {caller.config!r}"

    assert not any(
        hidden in shown for hidden in ("ada@", "sandbox-secret", caller.token)
    )
