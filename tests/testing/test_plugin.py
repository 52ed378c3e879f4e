"""The fixtures, as pytest runs them in somebody's project."""

from __future__ import annotations

import json
import os
import re
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from support.programs import run


ROOT = Path(__file__).parents[2]
KIT = "sesamy_async.testing._plugin"


def test_nothing_is_loaded_before_a_fixture_is_used() -> None:
    """Who has the package installed waits for nothing in other tests."""
    program = f"""
import json, sys
import pytest
before = {{*sys.modules}}
import {KIT}
print(json.dumps(sorted({{*sys.modules}} - before)))
"""
    loaded = json.loads(run(["-c", program], os.environ).stdout)

    assert [
        "sesamy_async",
        "sesamy_async._lazy",
        "sesamy_async.testing",
        KIT,
    ] == [name for name in loaded if name.startswith("sesamy_async")]
    assert {"httpx", "attr", "attrs", "anyio", "respx", "trio"}.isdisjoint(
        loaded
    )


# A test of an application needs a fixture, and no settings.
APPLICATION = """
from sesamy_async import Sesamy
from sesamy_async.testing import order

def sell():
    with Sesamy() as sesamy:
        return sesamy.contracts.onboard("SPRING-12", order())

def test_sell(sesamy_sandbox, sesamy_routes, sesamy_time):
    sesamy_sandbox.faults.add("wait:30", on="create")
    done = sell()
    [contract] = sesamy_sandbox.ledger.confirmed("A-1")
    assert contract.id == done.contract.id
    assert sesamy_routes["create"].call_count == 2
    assert sesamy_time.waits[0] == 30
"""

# Neither settings nor proxies of the environment come into a test.
MINE = {
    "SESAMY_VENDOR_ID": "mine",
    "SESAMY_CLIENT_SECRET": "mine",
    "SESAMY_SCOPE": "mine",
    "SESAMY_IDEMPOTENCY": "postgresql://nobody.invalid/orders",
    "HTTPS_PROXY": "http://[",
    "NO_PROXY": "mine.example",
}
SETTINGS = """
import os
import pytest
from sesamy_async import Sesamy
from sesamy_async.testing import order

def sell():
    with Sesamy() as sesamy:
        return sesamy.contracts.onboard("SPRING-12", order())

@pytest.fixture(autouse=True)
def mine_are_back():
    before = dict(os.environ)
    yield
    before.pop("PYTEST_CURRENT_TEST")
    after = dict(os.environ)
    after.pop("PYTEST_CURRENT_TEST")
    assert before == after

def test_sell(monkeypatch, sesamy_sandbox):
    sell()
    assert sesamy_sandbox.ledger.total == 1
    assert "SESAMY_SCOPE" not in os.environ
    assert "SESAMY_IDEMPOTENCY" not in os.environ
    assert os.environ["no_proxy"] == "mine.example,sandbox.invalid"
    monkeypatch.setenv("SESAMY_VENDOR_ID", "another")

def test_no_proxy(monkeypatch, request):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("no_proxy", "*")
    request.getfixturevalue("sesamy_sandbox")
    assert os.environ["no_proxy"] == "*"
    sell()
"""

# A project overrides two fixtures for its own sandbox and store.
OWN_CONFTEST = """
import pytest
from sesamy_async.sandbox import PromoCode, SandboxConfig, Vendor

@pytest.fixture
def sesamy_config():
    promo = PromoCode(code="MINE", sku="s", name="Mine", price=1.0)
    return SandboxConfig(vendors=[Vendor(id="me", promo_codes=[promo])])

@pytest.fixture
def sesamy_idempotency(tmp_path):
    return f"sqlite://{tmp_path}/orders.db"
"""
OWN = """
from sesamy_async import Sesamy
from sesamy_async.testing import order

def test_sell(sesamy_sandbox):
    with Sesamy() as sesamy:
        done = [sesamy.contracts.onboard("MINE", order()) for _ in "12"]
    assert [each.repeated for each in done] == [False, True]
    assert sesamy_sandbox.ledger.total == 1
"""

# An application that FastAPI's client calls, and one that httpx calls.
WEB_APP = """
from contextlib import asynccontextmanager
from fastapi import FastAPI, Request
from sesamy_async import AsyncSesamy, NewContract

@asynccontextmanager
async def lifespan(app):
    async with AsyncSesamy() as sesamy:
        app.state.sesamy = sesamy
        yield

app = FastAPI(lifespan=lifespan)

@app.post("/sales")
async def sell(request: Request):
    order = NewContract.from_json(await request.body())
    await app.state.sesamy.contracts.onboard("SPRING-12", order)
"""
WEB = """
import httpx
import pytest
from fastapi.testclient import TestClient
from sesamy_async.testing import order
from app import app, lifespan

pytestmark = pytest.mark.usefixtures("sesamy_time")
ORDER = order().to_dict()

def test_sell(sesamy_sandbox):
    sesamy_sandbox.faults.add("drop-after", on="create")
    with TestClient(app) as client:
        assert client.post("/sales", json=ORDER).status_code == 200
    assert len(sesamy_sandbox.ledger.confirmed("A-1")) == 1

@pytest.mark.anyio
async def test_sell_async(sesamy_sandbox, anyio_backend):
    sesamy_sandbox.faults.add("status:503", on="create")
    here = httpx.ASGITransport(app)
    async with lifespan(app), httpx.AsyncClient(
        transport=here, base_url="http://shop"
    ) as client:
        answer = await client.post("/sales", json=ORDER)
    assert answer.status_code == 200
    assert len(sesamy_sandbox.ledger.confirmed("A-1")) == 1
"""


def examples() -> dict[str, str]:
    """Return the tests of docs/testing.md, and their conftest.py."""
    page = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    blocks = re.findall(
        r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL
    )
    tests = [each for each in blocks if "def test_" in each]
    [conftest] = [each for each in blocks if "def sesamy_config" in each]

    assert 5 == len(tests)
    return {
        "docs/conftest.py": conftest,
        **{f"docs/test_{n}.py": each for n, each in enumerate(tests)},
    }


def test_the_tests_of_a_project(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They pass, without a warning, in one session."""
    installed = entry_points(group="pytest11", value=KIT)
    own = "" if installed else f"-p {KIT}"
    # Those that take long to load have nothing to do here.
    others = ("hypothesispytest", "randomly", "timeout", "xdist")
    without = " ".join(f"-p no:{each}" for each in others)
    monkeypatch.setenv("PYTEST_ADDOPTS", f"-W error {without} {own}")
    for name, value in MINE.items():
        monkeypatch.setenv(name, value)
    files = {
        "test_application.py": APPLICATION,
        "test_settings.py": SETTINGS,
        "own/conftest.py": OWN_CONFTEST,
        "own/test_own.py": OWN,
        "web/app.py": WEB_APP,
        "web/test_web.py": WEB,
        **examples(),
    }
    for name, text in files.items():
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    result = pytester.runpytest_subprocess("-q")

    # Those of the application, the settings, its own, the web and the page.
    result.assert_outcomes(passed=1 + 2 + 1 + 3 + 8, warnings=0)
