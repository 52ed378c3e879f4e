"""The command line says what became of the order, in words and codes."""

from __future__ import annotations

import signal
import sys

import pytest

from sesamy_async._cli.client import session
from sesamy_async._cli.options import API
from sesamy_async._cli.output import InterruptionError
from sesamy_async._outcome import Outcome
from sesamy_async.sandbox import Sandbox
from support.command_line import (
    CREATE,
    ONBOARD,
    ORDER,
    ORDER_ID,
    PROMO,
    CommandLine,
    Ran,
)


def test_onboard_for_people(sesamy: CommandLine, served: Sandbox) -> None:
    """An order is onboarded, and the answer names the contract."""
    ran = sesamy(*ONBOARD)
    (contract,) = served.ledger.confirmed(ORDER_ID)

    assert ran == Ran(
        0,
        f"Contract {contract.id} is confirmed.\n"
        f"  order   {ORDER_ID}\n"
        "  status  ACTIVE\n"
        "  strays  0\n",
        "",
    )


def test_onboard_for_machines(sesamy: CommandLine, served: Sandbox) -> None:
    """With --json there is one object, which counts the strays."""
    served.faults.add("drop-after", on="create")
    ran = sesamy(*ONBOARD, "--json")
    (contract,) = served.ledger.confirmed(ORDER_ID)

    assert (ran.code, ran.err) == (0, "")
    assert ran.json == {
        "contract_id": contract.id,
        "status": "ACTIVE",
        "confirmed": True,
        "external_order_id": ORDER_ID,
        "strays": 1,
        "sandbox": False,
    }


def test_strays_for_people(sesamy: CommandLine, served: Sandbox) -> None:
    """A stray is explained."""
    served.faults.add("drop-after", on="create")
    ran = sesamy(*ONBOARD)

    assert ran.code == 0
    assert "1 at most (unconfirmed contracts, which give" in ran.out


def test_create_then_confirm(sesamy: CommandLine, served: Sandbox) -> None:
    """Both steps can be made on their own, one process after another."""
    created = sesamy(*CREATE, "--json")
    contract_id = created.json["contract_id"]
    unconfirmed = served.ledger.confirmed(ORDER_ID)
    confirmed = sesamy("contract", "confirm", contract_id, *PROMO, "--json")
    (contract,) = served.ledger.confirmed(ORDER_ID)

    assert unconfirmed == ()
    assert contract.id == contract_id
    assert created.json == {
        "contract_id": contract_id,
        "status": "PENDING",
        "confirmed": False,
        "external_order_id": ORDER_ID,
        "sandbox": False,
    }
    assert confirmed.json == {
        "contract_id": contract_id,
        "status": "ACTIVE",
        "confirmed": True,
    }


@pytest.mark.parametrize(
    ("more", "headline"),
    [
        ((), "is made in a sandbox, but not confirmed yet."),
        (("--confirm",), "is made in a sandbox and confirmed."),
    ],
)
def test_create_for_people(
    sesamy: CommandLine, more: tuple[str, ...], headline: str
) -> None:
    """The answer says whether the contract is confirmed."""
    ran = sesamy(*CREATE, "--sandbox", *more)

    assert ran.code == 0
    assert headline in ran.out


def test_sandbox_needs_nothing(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--sandbox takes no setting, and no proxy, from the environment."""
    monkeypatch.setenv("SESAMY_VENDOR_ID", "elsewhere")
    monkeypatch.setenv("SESAMY_BASE_URL", "https://elsewhere.invalid")
    monkeypatch.setenv("SESAMY_SCOPE", "elsewhere")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    ran = sesamy(*ONBOARD, "--sandbox")

    assert ran.code == 0
    assert "is confirmed in a sandbox." in ran.out


def test_sandbox_without_aiohttp(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where aiohttp is missing, the message names the extra."""
    monkeypatch.setitem(sys.modules, "sesamy_async.sandbox._listener", None)
    ran = sesamy(*ONBOARD, "--sandbox")

    assert ran.code == 2
    assert "pip install 'sesamy-async[sandbox]'" in ran.err


def test_refused(sesamy: CommandLine) -> None:
    """What Sesamy refuses is exit code 1, and one paragraph on stderr."""
    ran = sesamy("onboard", str(ORDER), "--promo", "NOPE", "--sandbox")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(
        f"Error: contracts.onboard of order '{ORDER_ID}': Sesamy answered 404"
    )
    assert "Outcome: REFUSED." in ran.err
    assert ran.err.count("\n") == 1


def test_refused_for_machines(sesamy: CommandLine) -> None:
    """With --json an error is an object on stdout too."""
    ran = sesamy(
        "onboard", str(ORDER), "--promo", "NOPE", "--sandbox", "--json"
    )
    error = ran.json["error"]
    varying = {
        "message": error["message"],
        "request_id": error["request_id"],
    }

    assert (ran.code, ran.err) == (1, "")
    assert error == {
        "type": "NotFoundError",
        "outcome": "REFUSED",
        "retryable": False,
        "operation": "contracts.onboard",
        "external_order_id": ORDER_ID,
        "contract_id": None,
        "step": "create",
        "attempts": 1,
        "status_code": 404,
        "code": "resource_not_found",
        **varying,
    }


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("drop-after", "UNKNOWN"), ("malformed", "APPLIED")],
)
def test_look_first(
    sesamy: CommandLine, served: Sandbox, fault: str, outcome: str
) -> None:
    """Where it was done or may have been, the exit code is 4."""
    served.faults.add(fault, on="create")
    ran = sesamy(*CREATE)

    assert (ran.code, ran.out) == (4, "")
    assert f"Outcome: {outcome}." in ran.err


def test_stopped_in_between(sesamy: CommandLine, served: Sandbox) -> None:
    """Where confirming failed, the error names the contract."""
    served.faults.add("status:503", on="confirm", times=50)
    ran = sesamy(*ONBOARD, "--deadline", "2", "--json")
    error = ran.json["error"]
    (contract,) = served.ledger.contracts(ORDER_ID)

    assert ran.code == 4
    assert (contract.id, "confirm", "UNKNOWN") == (
        error["contract_id"],
        error["step"],
        error["outcome"],
    )


def test_interrupted_before(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C before anything was sent says so."""

    def interrupt(file: str) -> None:
        del file
        raise KeyboardInterrupt

    monkeypatch.setattr("sesamy_async._cli.contract.read_order", interrupt)
    ran = sesamy(*ONBOARD, "--sandbox", "--json")

    assert ran.code == 130
    assert ran.json["error"]["outcome"] == "NOT_SENT"


def test_terminated(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM says as much as Ctrl-C, and is as before afterwards."""

    def terminate(file: str) -> None:
        del file
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("sesamy_async._cli.contract.read_order", terminate)
    ran = sesamy(*ONBOARD, "--sandbox", "--json")

    assert ran.code == 130
    assert ran.json["error"]["outcome"] == "NOT_SENT"
    assert before == signal.getsignal(signal.SIGTERM)


def test_interrupted_between() -> None:
    """Ctrl-C in a session without a call says that nothing was sent."""
    with (
        pytest.raises(InterruptionError) as caught,
        session(API, sandbox=True),
    ):
        raise KeyboardInterrupt

    assert caught.value.outcome is Outcome.NOT_SENT
