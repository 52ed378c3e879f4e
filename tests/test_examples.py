"""The examples do what they say, against a sandbox that is served."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import httpx
import pytest

from sesamy_async.sandbox import Sandbox, running


EXAMPLES = Path(__file__).parents[1] / "examples"
ORDER = (EXAMPLES / "order.json").read_text(encoding="utf-8")
ORDER_ID: str = json.loads(ORDER)["externalOrderId"]
PERSONAL = re.compile("Bergstr|astrid|Linn|413 04|46701740605", re.IGNORECASE)
SALES = "/sales?promo_code=SPRING-12"
WORKERS = ["asyncio_worker.py", "trio_worker.py"]
PATIENCE = 30


class World(NamedTuple):
    """A sandbox that is served."""

    sandbox: Sandbox
    environment: dict[str, str]


class Ended(NamedTuple):
    """What a process said."""

    code: int
    out: str
    err: str


@pytest.fixture
def world() -> Iterator[World]:
    """Serve a sandbox, and say what a process needs to reach it."""
    sandbox = Sandbox()
    with running(sandbox) as url:
        yield World(sandbox, {**os.environ, **sandbox.environment(url)})


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Write a file with twelve orders, one per line."""
    lines = [
        json.dumps({**json.loads(ORDER), "externalOrderId": f"A-{number}"})
        for number in range(12)
    ]
    path = tmp_path / "orders.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@contextmanager
def started(
    world: World, *arguments: object
) -> Iterator[subprocess.Popen[str]]:
    """Run Python, and leave no process behind, whatever happens."""
    with subprocess.Popen(  # noqa: S603 - what it runs is ours
        [sys.executable, "-Werror", *map(str, arguments)],
        env={**world.environment, "PYTHONUNBUFFERED": "1"},
        cwd=EXAMPLES,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()


def wait_for(process: subprocess.Popen[str]) -> Ended:
    """Return what a process said by its end."""
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


def run(world: World, *arguments: object) -> Ended:
    """Run an example to its end."""
    with started(world, *arguments) as process:
        return wait_for(process)


def once(sandbox: Sandbox, *order_ids: str) -> bool:
    """Whether each order has exactly one confirmed contract."""
    return all(len(sandbox.ledger.confirmed(each)) == 1 for each in order_ids)


def test_examples_are_short() -> None:
    """An example is a program that one reads in a minute."""
    long = [
        path.name
        for path in EXAMPLES.glob("*.py")
        if len(path.read_text(encoding="utf-8").splitlines()) > 120
    ]

    assert [] == long


def test_script(world: World) -> None:
    """The script onboards the order beside it, and prints the contract."""
    ended = run(world, "script.py")
    (contract,) = world.sandbox.ledger.contracts(ORDER_ID)

    assert (0, "") == (ended.code, ended.err)
    assert f"Order {ORDER_ID} is contract {contract.id}." in ended.out
    assert contract.confirmed


def test_script_tells_of_strays(world: World) -> None:
    """A create whose answer is lost is sent again, and that is told."""
    world.sandbox.faults.add("drop-after", on="create")
    ended = run(world, "script.py")

    assert 0 == ended.code
    assert "up to 1 unconfirmed strays" in ended.out
    assert once(world.sandbox, ORDER_ID)


@pytest.mark.parametrize(
    ("faults", "on", "code", "words"),
    [
        (["status:503"] * 4, "token", 1, "Try again later"),
        (["status:422"], "create", 2, "The order is not as Sesamy wants it"),
        (["drop-after"] * 4, "confirm", 4, "go on with contracts.confirm"),
        (["malformed"] * 4, "confirm", 4, "go on with contracts.confirm"),
        (["status:404"], "confirm", 4, "go on with contracts.confirm"),
    ],
)
def test_script_exit_codes(
    world: World, faults: list[str], on: str, code: int, words: str
) -> None:
    """The exit code is that of the outcome, and stderr says what to do."""
    for fault in faults:
        world.sandbox.faults.add(fault, on=on)
    ended = run(world, "script.py", "SPRING-12", "order.json")

    assert (code, "") == (ended.code, ended.out)
    assert words in ended.err
    assert not PERSONAL.search(ended.err)
    assert "Traceback" not in ended.err


def test_script_with_a_wrong_order(world: World, tmp_path: Path) -> None:
    """An order that can't be sent is not sent, and every mistake named."""
    path = tmp_path / "wrong.json"
    path.write_text('{"quantity": 0, "userdata": {}}', encoding="utf-8")
    ended = run(world, "script.py", "SPRING-12", path)

    assert (2, "") == (ended.code, ended.out)
    assert "did you mean userData?" in ended.err
    assert 0 == world.sandbox.ledger.requests()


@pytest.mark.parametrize("example", WORKERS)
def test_worker(world: World, orders: Path, example: str) -> None:
    """Each order is onboarded once, though answers are lost."""
    world.sandbox.faults.add("drop-after", times=2, on="create")
    world.sandbox.faults.add("drop-after", times=2, on="confirm")
    ended = run(world, example, "SPRING-12", orders)

    assert (0, "") == (ended.code, ended.err)
    assert "DONE=12" in ended.out
    assert once(world.sandbox, *(f"A-{number}" for number in range(12)))


@pytest.mark.parametrize("example", WORKERS)
def test_worker_tells_outcomes(
    world: World, orders: Path, example: str
) -> None:
    """An order that fails is told and keeps no other from being done."""
    world.sandbox.faults.add("status:422", on="create")
    ended = run(world, example, "SPRING-12", orders)

    assert (1, "") == (ended.code, ended.err)
    assert "DONE=11 REFUSED=1" in ended.out
    assert not PERSONAL.search(ended.out)


@pytest.mark.parametrize("example", WORKERS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_worker_shutdown(
    world: World, orders: Path, example: str, number: signal.Signals
) -> None:
    """A signal lets what is under way end, and tells what is not begun."""
    # The first confirms come at once, all others late enough to be met.
    world.sandbox.faults.add("no-rate-headers", times=1, on="confirm")
    world.sandbox.faults.add("delay:2", times=12, on="confirm")
    with started(world, example, "SPRING-12", orders) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        process.send_signal(number)
        code, out, err = wait_for(process)
    told = dict(line.split()[:2] for line in f"{first}{out}".splitlines()[:-1])
    done = [order for order, end in told.items() if end == "DONE"]
    left = [order for order, end in told.items() if end == "NOT_BEGUN"]

    assert (1, "") == (code, err)
    assert {f"A-{each}" for each in range(12)} == {*done, *left}
    assert f"DONE={len(done)} NOT_BEGUN={len(left)}" in out
    # The first one, the three beside it, and what was begun in its place
    # before the signal came.
    assert 4 <= len(done) <= 8
    assert once(world.sandbox, *done)
    assert not any(map(world.sandbox.ledger.count, left))


def test_custom_middleware(world: World, tmp_path: Path) -> None:
    """The token comes from a file, and the metrics count each call."""
    token_file = tmp_path / "token"
    world.environment["SESAMY_TOKEN_FILE"] = str(token_file)
    token_file.write_text(f"{token_for(world)}\n", encoding="ascii")
    world.sandbox.faults.add("status:503", on="confirm")
    ended = run(world, "custom_middleware.py")

    assert (0, "") == (ended.code, ended.err)
    assert "contracts.create DONE 1 " in ended.out
    assert "contracts.confirm DONE 1 " in ended.out
    assert once(world.sandbox, "B-2026-001208")


def test_custom_middleware_with_an_old_token(
    world: World, tmp_path: Path
) -> None:
    """A token that is refused is asked for once more, then it ends."""
    token_file = tmp_path / "token"
    world.environment["SESAMY_TOKEN_FILE"] = str(token_file)
    token_file.write_text("out-of-date", encoding="ascii")
    ended = run(world, "custom_middleware.py", "SPRING-12")

    assert "contracts.create REFUSED 1 " in ended.out
    assert 2 == world.sandbox.ledger.requests("create", 401)


def token_for(world: World) -> str:
    """Get a token as another program would."""
    answer = httpx.post(
        world.environment["SESAMY_TOKEN_URL"],
        data={
            "grant_type": "client_credentials",
            "client_id": world.environment["SESAMY_CLIENT_ID"],
            "client_secret": world.environment["SESAMY_CLIENT_SECRET"],
            "scope": "payments:contract:third-party-onboarding",
        },
    )
    token: str = answer.json()["access_token"]
    return token


@pytest.fixture
def app(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the FastAPI example, with the settings of a sandbox."""
    for name, value in world.environment.items():
        if name.startswith("SESAMY_"):
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


async def ask(app: Any, method: str, path: str, body: str) -> httpx.Response:
    """Send a request to the app while its lifespan runs."""
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://t") as client,
    ):
        return await client.request(method, path, content=body)


async def test_app(app: Any, world: World) -> None:
    """A sale becomes one confirmed contract."""
    answer = await ask(app, "POST", SALES, ORDER)
    (contract,) = world.sandbox.ledger.confirmed(ORDER_ID)

    assert 201 == answer.status_code
    assert {"contract_id": contract.id} == answer.json()


@pytest.mark.parametrize(
    ("faults", "on", "status", "outcome"),
    [
        (["status:503"] * 4, "token", 503, "NOT_SENT"),
        (["status:403"], "token", 502, "REFUSED"),
        (["status:422"], "create", 422, "REFUSED"),
        (["status:404"], "create", 422, "REFUSED"),
        (["status:403"], "create", 502, "REFUSED"),
        (["wait:60"], "create", 503, "REFUSED"),
        (["drop-after"] * 4, "create", 504, "UNKNOWN"),
        (["malformed"] * 4, "create", 504, "UNKNOWN"),
        (["drop-after"] * 4, "confirm", 202, "UNKNOWN"),
        (["malformed"] * 4, "confirm", 202, "APPLIED"),
        (["status:404"], "confirm", 202, "REFUSED"),
    ],
)
async def test_app_errors(  # noqa: PLR0917
    app: Any,
    world: World,
    faults: list[str],
    on: str,
    status: int,
    outcome: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What became of the order is told, and nothing of the customer."""
    for fault in faults:
        world.sandbox.faults.add(fault, on=on)
    answer = await ask(app, "POST", SALES, ORDER)
    told = answer.json()

    assert (status, outcome) == (answer.status_code, told["outcome"])
    assert ORDER_ID == told["order"]
    assert (status in {202, 503, 504}) == ("Retry-After" in answer.headers)
    assert (status == 202) == (told["contract_id"] is not None)
    assert not PERSONAL.search(answer.text + caplog.text)


async def test_app_passes_on_the_wait(app: Any, world: World) -> None:
    """The wait that Sesamy asks for reaches our caller."""
    world.sandbox.faults.add("wait:77", on="create")
    answer = await ask(app, "POST", SALES, ORDER)

    assert "77" == answer.headers["Retry-After"]


async def test_app_goes_on_where_it_stopped(app: Any, world: World) -> None:
    """What a 202 asks for makes one confirmed contract of the order."""
    world.sandbox.faults.add("status:404", on="confirm")
    first = (await ask(app, "POST", SALES, ORDER)).json()
    path = f"/sales/{first['contract_id']}/confirmation?promo_code=SPRING-12"
    second = await ask(app, "PUT", path, "")

    assert 200 == second.status_code
    assert [first["contract_id"]] == [
        contract.id for contract in world.sandbox.ledger.contracts(ORDER_ID)
    ]
    assert once(world.sandbox, ORDER_ID)


async def test_app_refuses_a_wrong_order(app: Any, world: World) -> None:
    """A wrong order is refused by its fields, without their values."""
    wrong = ORDER.replace('"413 04"', "41304").replace("quantity", "number")
    answer = await ask(app, "POST", SALES, wrong)

    assert 422 == answer.status_code
    assert [
        "userData.address.zip: expected str, got int",
        "number: unknown field",
    ] == answer.json()["problems"]
    assert not PERSONAL.search(answer.text)
    assert 0 == world.sandbox.ledger.requests()


def test_app_served(world: World) -> None:
    """Served by uvicorn, it onboards an order, and ends when told to."""
    with started(
        world, "-m", "uvicorn", "fastapi_app:app", "--port", 0
    ) as process:
        url = served_at(process)
        answer = httpx.post(f"{url}{SALES}", content=ORDER, timeout=PATIENCE)
        process.send_signal(signal.SIGTERM)
        ended = wait_for(process)

    assert 201 == answer.status_code
    assert once(world.sandbox, ORDER_ID)
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


@pytest.mark.parametrize("name", ["asyncio_worker.py", "trio_worker.py"])
def test_workers_as_they_are(world: World, name: str) -> None:
    """Without arguments, a worker takes the orders that lie beside it."""
    ended = run(world, name)

    assert (0, "") == (ended.code, ended.err)
    assert 6 == len(world.sandbox.ledger.orders())
