"""The async client on the wire, as respx sees it."""

from __future__ import annotations

import json
import math
import re
import traceback
from collections.abc import AsyncIterator
from typing import Any

import anyio
import attrs
import httpx
import pytest
import respx

from sesamy_async import (
    Address,
    AsyncSesamy,
    AuthenticationError,
    BadRequestError,
    BusinessDetails,
    Call,
    ConfigurationError,
    ConflictError,
    Contract,
    InvalidRequestError,
    NewContract,
    Outcome,
    OutcomeUnknownError,
    Proceed,
    Response,
    RetryPolicy,
    SesamyError,
    StaticToken,
    UnauthorizedError,
    UnreadableResponseError,
    User,
    __version__,
)


API = "https://api.sesamy.com/payments/vendor/acme/promos/code/SPRING-12"
TOKEN = "https://token.sesamy.com/oauth/token"
ORDER = NewContract(
    external_order_id="o-1",
    payment_provider="KLARNA",
    payment_method="CARD",
    quantity=1,
    user_data=User(
        email="kim@example.se",
        full_name="Kim Åberg",
        address=Address(country="SE", zip="11122"),
        business_details=BusinessDetails(vat_nr="SE1"),
    ),
)
QUICK = RetryPolicy(base=0.0)


@pytest.fixture
def api() -> Any:
    """Answer as scripted; every unexpected request is an error."""
    with respx.mock(assert_all_called=False) as mock:
        mock.post(TOKEN, name="token").respond(
            json={"access_token": "t1", "token_type": "Bearer"}
        )
        yield mock


@pytest.fixture
async def client(anyio_backend: str) -> AsyncIterator[AsyncSesamy]:
    """Return a client with credentials that does not wait."""
    del anyio_backend
    async with AsyncSesamy(
        "acme", client_id="c", client_secret="s", retry=QUICK
    ) as client:
        yield client


@pytest.mark.parametrize(
    ("confirm", "query"), [(False, "confirm=false"), (True, "confirm=1")]
)
async def test_create(
    api: respx.Router, client: AsyncSesamy, confirm: bool, query: str
) -> None:
    """A create is on the wire what the guide says."""
    route = api.post(f"{API}?{query}").respond(json={"id": "c1"})
    contract = await client.contracts.create(
        "SPRING-12", ORDER, confirm=confirm
    )
    request = route.calls.last.request

    assert "c1" == contract.id
    assert ORDER.to_dict() == json.loads(request.content)
    assert query.encode() == request.url.query
    assert (
        "Bearer t1",
        "application/json",
        f"sesamy-async/{__version__}",
    ) == (
        request.headers["authorization"],
        request.headers["content-type"],
        request.headers["x-sesamy-client"],
    )
    assert re.fullmatch(
        r"sesamy-async/\S+ Python/3\.\d+\.\d+ \(\w+\)",
        request.headers["user-agent"],
    )


async def test_ids_are_encoded(api: respx.Router, client: AsyncSesamy) -> None:
    """Ids that look like paths stay one segment."""
    route = api.post(url__regex=".*/payments/.*").respond(json={"id": "c1"})
    await client.contracts.create("a/b?c", ORDER, vendor_id="x/../y")

    assert (
        b"/payments/vendor/x%2F..%2Fy/promos/code/a%2Fb%3Fc?confirm=false"
        == route.calls.last.request.url.raw_path
    )


@pytest.mark.parametrize(
    ("data", "body"),
    [
        (None, {}),
        ({}, {"providerPaymentData": {}}),
        ({"reference": "1"}, {"providerPaymentData": {"reference": "1"}}),
    ],
)
async def test_confirm(
    api: respx.Router, client: AsyncSesamy, data: Any, body: Any
) -> None:
    """A confirm is on the wire what the guide says."""
    route = api.post(f"{API}/confirm/c1").respond(
        json={"id": "c1", "status": "ACTIVE"}
    )
    contract = await client.contracts.confirm(
        "SPRING-12", "c1", provider_payment_data=data
    )

    assert ("c1", "ACTIVE") == (contract.id, contract.status)
    assert body == json.loads(route.calls.last.request.content)


@pytest.mark.parametrize(
    ("content", "raw"),
    [
        (b"", {}),
        (b" \n", {}),
        (b'{"ok": true}', {"ok": True}),
        (b'{"id": "another"}', {"id": "another"}),
        (b"[]", {}),
        (b"true", {}),
    ],
)
async def test_confirm_without_a_contract(
    api: respx.Router, client: AsyncSesamy, content: bytes, raw: Any
) -> None:
    """Where the answer holds no contract, the confirmed id is known."""
    api.post(f"{API}/confirm/c1").respond(content=content)
    contract = await client.contracts.confirm("SPRING-12", "c1")

    assert ("c1", raw) == (contract.id, contract.raw)


async def test_confirm_answered_by_a_portal(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """HTML with a 200 is no confirmation that can be read."""
    route = api.post(f"{API}/confirm/c1").respond(html="<p>Log in</p>")
    with pytest.raises(UnreadableResponseError) as caught:
        await client.contracts.confirm("SPRING-12", "c1")

    assert (Outcome.APPLIED, "c1") == (
        caught.value.outcome,
        caught.value.contract_id,
    )
    assert 4 == route.call_count


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", b"{", b"[]", b"{}", b'{"id": null}', b"[" * 100_000],
)
async def test_create_unreadable(
    api: respx.Router, client: AsyncSesamy, content: bytes
) -> None:
    """A success without a readable id was applied, and is not repeated."""
    route = api.post(f"{API}?confirm=false").respond(content=content)
    with pytest.raises(UnreadableResponseError) as caught:
        await client.contracts.create("SPRING-12", ORDER)

    assert (Outcome.APPLIED, 200, len(content), False) == (
        caught.value.outcome,
        caught.value.status_code,
        caught.value.size,
        caught.value.retryable,
    )
    assert 1 == route.call_count


@pytest.mark.parametrize("media", ["text/html", "text/plain; charset=x", ""])
async def test_content_type_does_not_matter(
    api: respx.Router, client: AsyncSesamy, media: str
) -> None:
    """JSON with an id is a contract whatever its content type says."""
    api.post(f"{API}?confirm=false").respond(
        content=b'{"id": "c1"}', headers={"Content-Type": media}
    )

    assert "c1" == (await client.contracts.create("SPRING-12", ORDER)).id


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("", ORDER), "promo_code"),
        ((5, ORDER), "promo_code"),
        (("P", {"externalOrderId": "x"}), "order must be a NewContract"),
        (("P", None), "order must be a NewContract"),
    ],
)
@pytest.mark.parametrize("method", ["create", "onboard"])
async def test_wrong_arguments(
    api: respx.Router,
    client: AsyncSesamy,
    arguments: Any,
    named: str,
    method: str,
) -> None:
    """A wrong argument is named before even a token is fetched."""
    with pytest.raises(InvalidRequestError, match=named):
        await getattr(client.contracts, method)(*arguments)

    assert 0 == api.calls.call_count


async def test_wrong_confirm_argument(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """What may give access is only ever True or False."""
    wrong: Any = "false"
    with pytest.raises(InvalidRequestError, match="confirm"):
        await client.contracts.create("P", ORDER, confirm=wrong)

    assert 0 == api.calls.call_count


@pytest.mark.parametrize(
    "data", ["x", {"a": 5}, {5: "a"}, {"a": "\ud800"}, [("a", "b")]]
)
async def test_wrong_payment_data(
    api: respx.Router, client: AsyncSesamy, data: Any
) -> None:
    """Payment data that can't be sent stops onboard before its create."""
    with pytest.raises(InvalidRequestError, match="provider_payment_data"):
        await client.contracts.onboard("P", ORDER, provider_payment_data=data)

    assert 0 == api.calls.call_count


async def test_error_knows_its_call(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """An error carries operation, order, attempts and request id."""
    api.post(f"{API}?confirm=false").respond(
        400, json={"error": {"request_id": "r1"}}
    )
    with pytest.raises(BadRequestError) as caught:
        await client.contracts.create("SPRING-12", ORDER)

    error = caught.value
    assert ("contracts.create", "o-1", 1, "r1", Outcome.REFUSED) == (
        error.operation,
        error.external_order_id,
        error.attempts,
        error.request_id,
        error.outcome,
    )


async def test_onboard(api: respx.Router, client: AsyncSesamy) -> None:
    """Onboard creates unconfirmed, then confirms that contract."""
    create = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    confirm = api.post(f"{API}/confirm/c1").respond(
        json={"id": "c1", "isActive": True}
    )
    result = await client.contracts.onboard(
        "SPRING-12", ORDER, provider_payment_data={"a": "b"}
    )

    assert ("c1", True, 0) == (
        result.contract.id,
        result.contract.is_active,
        result.strays,
    )
    assert (1, 1) == (create.call_count, confirm.call_count)
    assert {"providerPaymentData": {"a": "b"}} == json.loads(
        confirm.calls.last.request.content
    )


async def test_onboard_keeps_the_fuller_contract(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Where confirm answers nothing, the created contract is returned."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1", "name": "N"})
    api.post(f"{API}/confirm/c1").respond(204)
    result = await client.contracts.onboard("SPRING-12", ORDER)

    assert "N" == result.contract.name


@pytest.mark.parametrize(
    "lost",
    [
        httpx.Response(502, html="<p>"),
        httpx.Response(200, content=b"{"),
        httpx.ReadTimeout("x"),
    ],
)
async def test_onboard_counts_strays(
    api: respx.Router, client: AsyncSesamy, lost: Any
) -> None:
    """A create whose answer was lost is sent again, and counted."""
    api.post(f"{API}?confirm=false").mock(
        side_effect=[lost, httpx.Response(200, json={"id": "c2"})]
    )
    api.post(f"{API}/confirm/c2").respond(json={"id": "c2"})
    result = await client.contracts.onboard("SPRING-12", ORDER)

    assert ("c2", 1) == (result.contract.id, result.strays)


async def test_onboard_conflict_after_doubt(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """A 409 after an unknown create is not taken for a refusal."""
    api.post(f"{API}?confirm=false").mock(
        side_effect=[httpx.ReadTimeout("x"), httpx.Response(409)]
    )
    with pytest.raises(ConflictError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    error = caught.value
    assert ("contracts.onboard", "create", Outcome.UNKNOWN, None, True) == (
        error.operation,
        error.step,
        error.outcome,
        error.contract_id,
        error.retryable,
    )


async def test_onboard_refused(api: respx.Router, client: AsyncSesamy) -> None:
    """A create that is refused for certain is refused."""
    api.post(f"{API}?confirm=false").respond(409)
    with pytest.raises(ConflictError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    assert (Outcome.REFUSED, "create") == (
        caught.value.outcome,
        caught.value.step,
    )


async def test_onboard_unreadable(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Creates that can't be read leave strays, and nothing confirmed."""
    route = api.post(f"{API}?confirm=false").respond(json={})
    with pytest.raises(UnreadableResponseError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    assert (Outcome.UNKNOWN, "create", 4) == (
        caught.value.outcome,
        caught.value.step,
        route.call_count,
    )


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.ConnectError("x"), Outcome.UNKNOWN),
        (httpx.ReadTimeout("x"), Outcome.UNKNOWN),
        (httpx.Response(404), Outcome.REFUSED),
        (httpx.Response(200, html="<p>"), Outcome.APPLIED),
    ],
)
async def test_onboard_stops_at_confirm(
    api: respx.Router, client: AsyncSesamy, answer: Any, outcome: Outcome
) -> None:
    """Where it stops at confirm, the error says how to go on."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    api.post(f"{API}/confirm/c1").mock(
        side_effect=answer if isinstance(answer, Exception) else [answer] * 4
    )
    with pytest.raises(SesamyError) as caught:
        await client.contracts.onboard("SPRING-12", ORDER)

    error = caught.value
    assert ("contracts.onboard", "confirm", "c1", "o-1", outcome) == (
        error.operation,
        error.step,
        error.contract_id,
        error.external_order_id,
        error.outcome,
    )
    assert "go on with contracts.confirm" in str(error)


async def test_onboard_cancelled_at_confirm(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """Who cancels between the steps is told which contract was made."""
    scope = anyio.CancelScope()

    async def stall(request: httpx.Request) -> httpx.Response:
        del request
        scope.cancel()
        await anyio.sleep(10)
        raise AssertionError

    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    api.post(f"{API}/confirm/c1").mock(side_effect=stall)
    notes: list[str] = []
    with scope:
        try:
            await client.contracts.onboard("SPRING-12", ORDER)
        except BaseException as error:
            notes = error.__notes__
            raise

    assert "contracts.confirm of order 'o-1': Interrupted." in notes[0]
    assert "Outcome: UNKNOWN." in notes[0]
    assert "Contract 'c1' was made before." == notes[1]


async def test_401_renews_once(api: respx.Router, client: AsyncSesamy) -> None:
    """After a 401 there is one new token and one more attempt."""
    route = api.post(f"{API}?confirm=false").respond(401)
    with pytest.raises(UnauthorizedError):
        await client.contracts.create("SPRING-12", ORDER)

    assert (2, 2) == (route.call_count, api["token"].call_count)


async def test_wrong_secret(api: respx.Router, client: AsyncSesamy) -> None:
    """A refused token names the settings, and the order is not sent."""
    api["token"].respond(403, json={"message": "Invalid client credentials"})
    with pytest.raises(AuthenticationError, match="SESAMY_CLIENT") as caught:
        await client.contracts.create("SPRING-12", ORDER)

    assert (403, "o-1", 1) == (
        caught.value.status_code,
        caught.value.external_order_id,
        api.calls.call_count,
    )


async def test_throttled_token(api: respx.Router, client: AsyncSesamy) -> None:
    """A token endpoint that is busy is asked again, as it says."""
    api["token"].mock(
        side_effect=[
            httpx.Response(429, headers={"Retry-After": "0"}),
            httpx.Response(200, json={"access_token": "t2"}),
        ]
    )
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    await client.contracts.create("SPRING-12", ORDER)

    assert 1 == route.call_count


async def test_wait_of_the_token_endpoint(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """A wait of the token endpoint's that is too long is on the error."""
    api["token"].respond(429, headers={"Retry-After": "900"})
    with pytest.raises(AuthenticationError) as caught:
        await client.contracts.create("SPRING-12", ORDER)

    assert (900.0, Outcome.NOT_SENT, 1) == (
        caught.value.retry_after,
        caught.value.outcome,
        api["token"].call_count,
    )


async def test_request(api: respx.Router, client: AsyncSesamy) -> None:
    """An endpoint without a method is reached through the same pipeline."""
    route = api.post("https://api.sesamy.com/a%20b?limit=5&all=true").respond(
        json={"x": 1}
    )
    response = await client.request(
        "POST", "/a b", json={"å": 1}, query={"limit": 5, "all": True}
    )

    assert {"x": 1} == response.json()
    assert '{"å":1}'.encode() == route.calls.last.request.content
    assert "Bearer t1" == route.calls.last.request.headers["authorization"]


@pytest.mark.parametrize(
    ("method", "repeatable", "calls"),
    [
        ("GET", None, 4),
        ("GET", False, 1),
        ("POST", None, 1),
        ("POST", True, 4),
        ("DELETE", None, 1),
    ],
)
async def test_request_again(
    api: respx.Router,
    client: AsyncSesamy,
    method: str,
    repeatable: bool | None,
    calls: int,
) -> None:
    """Only what is harmless to repeat is sent again when in doubt."""
    route = api.route(path="/x").respond(503)
    with pytest.raises(SesamyError):
        await client.request(method, "/x", repeatable=repeatable)

    assert calls == route.call_count


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"method": "get", "path": "/"}, "method"),
        ({"method": "GET", "path": "https://evil/"}, "path"),
        ({"method": "GET", "path": "/", "query": {"a": []}}, "query"),
        ({"method": "POST", "path": "/", "json": object()}, "json"),
        ({"method": "POST", "path": "/", "json": math.nan}, "json"),
    ],
)
async def test_request_refused(
    api: respx.Router,
    client: AsyncSesamy,
    arguments: dict[str, Any],
    named: str,
) -> None:
    """A request that can't be sent is refused by its argument's name."""
    with pytest.raises(InvalidRequestError, match=named):
        await client.request(**arguments)

    assert 0 == api.calls.call_count


async def test_options_share(api: respx.Router, client: AsyncSesamy) -> None:
    """A copy shares the token; its headers and vendor are its own."""
    route = api.post(url__regex=".*/vendor/other/.*").respond(json={"id": "c"})
    api.post(f"{API}?confirm=false").respond(json={"id": "c"})
    copy = client.with_options(
        vendor_id="other",
        headers={"X-Trace": "1"},
        timeout=5,
        deadline=math.inf,
        retry=RetryPolicy(attempts=1),
    ).with_options(headers={"X-More": "2"})
    await client.contracts.create("SPRING-12", ORDER)
    await copy.contracts.create("SPRING-12", ORDER)
    headers = route.calls.last.request.headers

    assert 1 == api["token"].call_count
    assert ("1", "2") == (headers["x-trace"], headers["x-more"])


async def test_closing_a_copy(api: respx.Router, client: AsyncSesamy) -> None:
    """A copy that is closed leaves its client open."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c"})
    async with client.with_options(timeout=5) as copy:
        await copy.contracts.create("SPRING-12", ORDER)

    assert "c" == (await client.contracts.create("SPRING-12", ORDER)).id


async def test_closed(client: AsyncSesamy) -> None:
    """A closed client refuses calls, and so do its copies."""
    copy = client.with_options(timeout=5)
    await client.aclose()
    await client.aclose()
    for each in (client, copy):
        with pytest.raises(ConfigurationError, match="closed"):
            await each.contracts.create("P", ORDER)


async def test_middleware_of_the_callers(api: respx.Router) -> None:
    """The caller's middleware is around everything, and may change calls."""
    route = api.post(f"{API}?confirm=false").respond(json={"id": "c1"})
    seen: list[Any] = []

    async def watch(call: Call, proceed: Proceed) -> Response:
        response = await proceed(call.with_headers(X_Tenant="7"))
        seen.append((call.operation, response.parsed))
        return response

    async with AsyncSesamy(
        "acme", auth=StaticToken("t"), middleware=[watch]
    ) as client:
        contract = await client.contracts.create("SPRING-12", ORDER)

    assert [("contracts.create", contract)] == seen
    assert "7" == route.calls.last.request.headers["x-tenant"]


async def test_middleware_that_answers() -> None:
    """A middleware may answer by itself; its answer is read like ours."""

    async def answer(call: Call, proceed: Proceed) -> Response:
        del call, proceed
        return Response(status_code=200, content=b'{"id": "c9"}')

    async with AsyncSesamy(
        "acme", auth=StaticToken("t"), middleware=[answer]
    ) as client:
        contract = await client.contracts.create("SPRING-12", ORDER)

    assert "c9" == contract.id


@pytest.mark.parametrize(
    ("before", "outcome"),
    [(True, Outcome.NOT_SENT), (False, Outcome.APPLIED)],
)
async def test_middleware_that_fails(
    api: respx.Router, before: bool, outcome: Outcome
) -> None:
    """A middleware's mistake ends in a known outcome too."""
    api.post(f"{API}?confirm=false").respond(json={"id": "c1"})

    async def fail(call: Call, proceed: Proceed) -> Response:
        if not before:
            await proceed(call)
        raise KeyError

    async with AsyncSesamy(
        "acme", auth=StaticToken("t"), middleware=[fail]
    ) as client:
        with pytest.raises(SesamyError, match="KeyError") as caught:
            await client.contracts.create("SPRING-12", ORDER)

    assert outcome is caught.value.outcome
    assert isinstance(caught.value.__cause__, KeyError)


async def test_header_of_a_middleware_that_cannot_be_sent() -> None:
    """A header that can't be sent is refused, and not repeated."""

    async def spoil(call: Call, proceed: Proceed) -> Response:
        return await proceed(call.with_headers(X_Bad="CANARY\r\nx"))

    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    async with AsyncSesamy(
        "acme",
        auth=StaticToken("t"),
        middleware=[spoil],
        transport=transport,
    ) as client:
        copy = client.with_options(retry=QUICK)
        with pytest.raises(SesamyError) as caught:
            await copy.contracts.create("SPRING-12", ORDER)

    assert "CANARY" not in str(caught.value)


async def test_no_body_and_no_secret_in_tracebacks(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """No local of a frame of ours shows the order, the token, the secret."""
    api.post(f"{API}?confirm=false").respond(
        400, json={"error": {"message": "kim@example.se"}}
    )
    with pytest.raises(BadRequestError) as caught:
        await client.contracts.create("SPRING-12", ORDER)
    told = traceback.TracebackException.from_exception(
        caught.value, capture_locals=True
    )
    ours = [
        str(frame.locals)
        for frame in told.stack
        if "sesamy_async" in frame.filename and "tests" not in frame.filename
    ]

    assert ours
    for canary in ("kim@", "Kim", "11122", "Bearer", "t1'"):
        assert canary not in "".join(ours) + str(caught.value)


def test_contract_repr() -> None:
    """A contract's repr shows what identifies it only."""
    contract = Contract(id="c1", manage_url="https://x/CANARY")

    assert "CANARY" not in repr(contract)
    assert attrs.evolve(contract, id="c2").id == "c2"


async def test_unknown_is_raised_once(
    api: respx.Router, client: AsyncSesamy
) -> None:
    """A create whose answer is lost is sent once."""
    route = api.post(f"{API}?confirm=false").mock(
        side_effect=httpx.ReadTimeout("x")
    )
    with pytest.raises(OutcomeUnknownError) as caught:
        await client.contracts.create("SPRING-12", ORDER)

    assert (1, Outcome.UNKNOWN) == (route.call_count, caught.value.outcome)
