"""The FastAPI example tells of each sale what became of it."""

from __future__ import annotations

import importlib.util
import json
import re
import signal
import subprocess
import sys
from types import ModuleType
from typing import Any

import httpx
import pytest

from support.examples import (
    BY_CARD,
    EXAMPLES,
    KEY,
    ORDER,
    ORDER_ID,
    PATIENCE,
    PERSONAL,
    SHOP,
    Examples,
    wait_for,
)


SALES = "/sales/SPRING-12"


@pytest.fixture
def app(examples: Examples, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the FastAPI example, with the settings of a sandbox."""
    for name, value in examples.environment.items():
        if name.startswith("SESAMY_") or name in SHOP:
            monkeypatch.setenv(name, value)
    return module("fastapi_app").app


def module(name: str) -> ModuleType:
    """Import an example."""
    spec = importlib.util.spec_from_file_location(
        name, EXAMPLES / f"{name}.py"
    )
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules[name] = found
    spec.loader.exec_module(found)
    return found


async def ask(
    app: Any, method: str, path: str, body: str, **headers: str
) -> httpx.Response:
    """Send a request to the app while its lifespan runs."""
    headers = {"Content-Type": "application/json", **KEY, **headers}
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://t") as client,
    ):
        return await client.request(
            method, path, content=body, headers=headers
        )


@pytest.mark.parametrize(
    ("faults", "on", "status", "outcome"),
    [
        # The first half of each strikes as the service starts.
        (["status:503"] * 8, "token", 503, "NOT_SENT"),
        (["status:403"] * 4, "token", 502, "REFUSED"),
        (["status:422"], "create", 422, "REFUSED"),
        (["status:404"], "create", 422, "REFUSED"),
        (["status:403"], "create", 502, "REFUSED"),
        (["wait:77"], "create", 503, "REFUSED"),
        (["drop-after"] * 4, "create", 504, "UNKNOWN"),
        (["malformed"] * 4, "create", 504, "UNKNOWN"),
        (["drop-after"] * 4, "confirm", 504, "UNKNOWN"),
        (["status:404"], "confirm", 202, "UNKNOWN"),
    ],
)
async def test_app_errors(  # noqa: PLR0917 - the row of a table
    app: Any,
    examples: Examples,
    faults: list[str],
    on: str,
    status: int,
    outcome: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What became of the order is told, and nothing of the customer."""
    for fault in faults:
        examples.sandbox.faults.add(fault, on=on)
    answer = await ask(app, "POST", SALES, BY_CARD)
    told = answer.json()

    assert (status, outcome) == (answer.status_code, told["outcome"])
    assert ORDER_ID == told["external_order_id"]
    assert (status in {503, 504}) == ("Retry-After" in answer.headers)
    assert (faults == ["wait:77"]) == (
        answer.headers.get("Retry-After") == "77"
    )
    assert (on == "confirm") == ("contract_id" in told)
    assert not PERSONAL.search(answer.text + caplog.text)


@pytest.mark.parametrize(
    ("faults", "status"),
    [(0, 204), (3, 204), (4, 502)],
)
async def test_app_is_ready(
    app: Any, examples: Examples, faults: int, status: int
) -> None:
    """It starts whatever happens, and then tells whether it is ready."""
    for _ in range(faults):
        examples.sandbox.faults.add("status:403", on="token")
    answer = await ask(app, "GET", "/ready", "")

    assert status == answer.status_code
    assert 0 == examples.sandbox.ledger.total


async def test_app_goes_on_where_it_stopped(
    app: Any, examples: Examples
) -> None:
    """What a 504 asks for confirms the contract that was made."""
    examples.sandbox.faults.add("status:403", on="confirm")
    answers = [await ask(app, "POST", SALES, BY_CARD) for _ in range(3)]
    (contract,) = examples.sandbox.ledger.contracts(ORDER_ID)

    assert [504, 200, 200] == [each.status_code for each in answers]
    assert contract.confirmed
    assert {contract.id} == {each.json()["contract_id"] for each in answers}


async def test_app_never_makes_a_second_invoice(
    app: Any, examples: Examples
) -> None:
    """A sale by invoice whose answer was lost is not sent again."""
    examples.sandbox.faults.add("drop-after", on="create")
    answers = [await ask(app, "POST", SALES, ORDER) for _ in range(2)]

    assert [202, 202] == [each.status_code for each in answers]
    assert "somebody has to check" in answers[1].json()["detail"]
    assert 1 == examples.sandbox.ledger.requests("create")


async def test_app_tells_a_mismatch(app: Any, examples: Examples) -> None:
    """The id of a sale with other data in it is refused."""
    other = json.dumps({**json.loads(ORDER), "quantity": 2})
    await ask(app, "POST", SALES, ORDER)
    answer = await ask(app, "POST", SALES, other)

    assert (422, "NOT_SENT") == (
        answer.status_code,
        answer.json()["outcome"],
    )
    assert 1 == examples.sandbox.ledger.total


async def test_app_refuses_a_wrong_order(app: Any, examples: Examples) -> None:
    """A wrong order is refused by its fields, without their values."""
    wrong = ORDER.replace('"413 04"', "41304").replace("quantity", "number")
    answer = await ask(app, "POST", SALES, wrong)

    assert 422 == answer.status_code
    assert [
        "userData.address.zip: must be text, in quotation marks",
        "number: unknown field",
    ] == answer.json()["problems"]
    assert not PERSONAL.search(answer.text)
    assert 0 == examples.sandbox.ledger.total


async def test_app_refuses_others(app: Any, examples: Examples) -> None:
    """Who does not have the key of the shop can't post sales."""
    answer = await ask(app, "POST", SALES, ORDER, **{"X-API-Key": "other"})

    assert 401 == answer.status_code
    assert 0 == examples.sandbox.ledger.requests("create")


async def test_app_takes_events(
    app: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """An event with one of the secrets is handled."""
    caplog.set_level("INFO")
    body = '{"eventType": "contract.1#update", "userId": "u-1"}'
    statuses = [
        (
            await ask(
                app, "POST", "/webhooks/sesamy", body, Authorization=secret
            )
        ).status_code
        for secret in ("Bearer new", "Bearer old", "Bearer x")
    ]

    assert [204, 204, 401] == statuses
    assert 2 == caplog.text.count("event_type='contract.1#update'")
    assert "u-1" not in caplog.text


def test_app_served(examples: Examples) -> None:
    """Served by uvicorn, it onboards an order, and ends at a signal."""
    with examples.started(
        "-m", "uvicorn", "fastapi_app:app", "--port", 0
    ) as process:
        url = served_at(process)
        answer = httpx.post(
            f"{url}{SALES}",
            content=ORDER,
            headers={"Content-Type": "application/json", **KEY},
            timeout=PATIENCE,
        )
        process.send_signal(signal.SIGTERM)
        ended = wait_for(process)

    (contract,) = examples.sandbox.ledger.confirmed(ORDER_ID)

    assert 201 == answer.status_code
    assert {"contract_id": contract.id, "repeated": False} == answer.json()
    # uvicorn raises the signal again once it has shut down.
    assert ended.code in {0, -signal.SIGTERM}
    assert "Application shutdown complete." in ended.err
    assert "Warning" not in ended.err


def served_at(process: subprocess.Popen[str]) -> str:
    """Return the URL that uvicorn tells when it is ready."""
    assert process.stderr is not None
    for line in process.stderr:
        if found := re.search(r"running on (http://\S+)", line):
            return found[1]
    raise AssertionError(line)
