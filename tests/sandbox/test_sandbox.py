"""A sandbox as a whole: its variables, its ids and its reprs."""

from __future__ import annotations

import json

from sesamy_async import AsyncSesamy, NewContract, Sesamy
from sesamy_async.sandbox import Sandbox, SandboxRequest
from support.examples import ORDER, ORDER_ID
from support.sandbox_caller import CREATE, Caller, content, logged_in


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
