"""A sandbox as a whole: variables, ids, reprs and the rate limit."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sesamy_async import AsyncSesamy, NewContract, Sesamy
from sesamy_async.sandbox import Answer, Limit, Sandbox, SandboxRequest
from support.examples import ORDER, ORDER_ID
from support.sandbox_caller import (
    CREATE,
    START,
    Caller,
    content,
    error,
    logged_in,
)


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


async def test_client_settings_lead_here() -> None:
    """A client that is made with them talks to this sandbox."""
    sandbox = Sandbox()
    order = NewContract.from_dict(json.loads(ORDER))
    async with AsyncSesamy(**sandbox.client_settings()) as client:
        await client.contracts.onboard("SPRING-12", order)
    with Sesamy(**sandbox.client_settings()) as blocking:
        blocking.contracts.onboard("SPRING-12", order)

    assert 2 == len(sandbox.ledger.confirmed(ORDER_ID))


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
    """Without a limit, or if told so, no answer says anything of it."""
    caller = logged_in(**settings)
    caller.sandbox.faults.add("wait:7")
    told, usual = caller.create(), caller.create()

    assert (429, 200) == (told.status, usual.status)
    for answer in (told, usual):
        assert {"Content-Type", "X-Request-Id"} == set(answer.headers)
