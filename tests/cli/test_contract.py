"""``onboard`` and ``contract`` say what became of the order."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async import NewContract
from sesamy_async.sandbox import Sandbox
from support.command_line import (
    CREATE,
    ONBOARD,
    ORDER,
    ORDER_ID,
    PROMO,
    CommandLine,
    Ran,
    own_store,
)
from support.ports import closed_port


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
    """With --json there is one object; strays are explained to people."""
    served.faults.add("drop-after", on="create")
    ran = sesamy(*ONBOARD, "--strays", "--json")
    (contract,) = served.ledger.confirmed(ORDER_ID)
    told = sesamy(*ONBOARD).out

    assert (ran.code, ran.err) == (0, "")
    assert ran.json == {
        "contract_id": contract.id,
        "status": "ACTIVE",
        "confirmed": True,
        "repeated": False,
        "external_order_id": ORDER_ID,
        "strays": 1,
        "sandbox": False,
        "store": str(own_store()),
    }
    assert "1 at most (unconfirmed contracts, which give" in told


def test_create_then_confirm(sesamy: CommandLine, served: Sandbox) -> None:
    """Both steps can be made separately."""
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
        "repeated": False,
        "external_order_id": ORDER_ID,
        "sandbox": False,
        "store": str(own_store()),
    }
    assert confirmed.json == {
        "contract_id": contract_id,
        "status": "ACTIVE",
        "confirmed": True,
    }


def test_refused(sesamy: CommandLine) -> None:
    """It is exit code 1: a paragraph on stderr, or an object on stdout."""
    refused = ("onboard", str(ORDER), "--promo", "NOPE", "--sandbox")
    ran, machines = sesamy(*refused), sesamy(*refused, "--json")
    error = machines.json["error"]

    assert (1, "", 1, "") == (ran.code, ran.out, machines.code, machines.err)
    assert ran.err.startswith(
        f"Error: contracts.onboard of order '{ORDER_ID}': Sesamy answered 404"
    )
    assert "Outcome: REFUSED." in ran.err
    assert ran.err.count("\n") == 1
    assert error == {
        "type": "NotFoundError",
        "message": error["message"],
        "outcome": "REFUSED",
        "retryable": False,
        "operation": "contracts.onboard",
        "external_order_id": ORDER_ID,
        "contract_id": None,
        "step": "create",
        "attempts": 1,
        "request_id": error["request_id"],
        "status_code": 404,
        "code": "resource_not_found",
    }


def test_sandbox_needs_nothing(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--sandbox takes no setting, and no proxy, from the environment."""
    monkeypatch.setenv("SESAMY_VENDOR_ID", "elsewhere")
    monkeypatch.setenv("SESAMY_BASE_URL", "https://elsewhere.invalid")
    monkeypatch.setenv("SESAMY_SCOPE", "elsewhere")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    ran = [
        sesamy(*command, "--sandbox")
        for command in (ONBOARD, CREATE, (*CREATE, "--confirm"))
    ]

    assert [0, 0, 0] == [each.code for each in ran]
    assert "is confirmed in a sandbox." in ran[0].out
    assert "is created in a sandbox, but not confirmed yet." in ran[1].out
    assert "is created in a sandbox and confirmed." in ran[2].out


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
    served.faults.add("status:504", on="confirm")
    # To wait so long would pass the deadline.
    served.faults.add("wait:600", on="confirm")
    ran = sesamy(*ONBOARD, "--json")
    error = ran.json["error"]
    (contract,) = served.ledger.contracts(ORDER_ID)

    assert ran.code == 4
    assert (contract.id, "confirm", "UNKNOWN") == (
        error["contract_id"],
        error["step"],
        error["outcome"],
    )


@pytest.mark.parametrize("variable", ["SESAMY_BASE_URL", "SESAMY_TOKEN_URL"])
@pytest.mark.usefixtures("served")
def test_no_network(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Where nobody listens, nothing was sent: exit code 1."""
    with closed_port() as port:
        monkeypatch.setenv(variable, f"http://127.0.0.1:{port}")
        ran = sesamy(*ONBOARD, "--deadline", "0.3")

    assert (ran.code, ran.out) == (1, "")
    assert "Outcome: NOT_SENT." in ran.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(
    "function", ["_cli.contract.read_order", "_blocking.Contracts.onboard"]
)
def test_interrupted_before(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    number: signal.Signals,
) -> None:
    """Ctrl-C or SIGTERM before anything was sent says so."""

    def interrupt(*_: object, **__: object) -> None:
        signal.raise_signal(number)

    before = signal.getsignal(number)
    monkeypatch.setattr(f"sesamy_async.{function}", interrupt)
    ran = sesamy(*ONBOARD, "--sandbox", "--json")

    assert ran.code == 130
    assert ran.json["error"]["outcome"] == "NOT_SENT"
    assert before == signal.getsignal(number)


def test_example() -> None:
    """The example order is read, and holds every documented field."""
    order = NewContract.from_json(ORDER.read_bytes())
    documented: Any = json.loads(ORDER.read_text("utf-8"))

    assert order.to_dict() == documented
    user: Any = order.user_data
    for model in (order, user, user.address, user.business_details):
        assert None not in attrs.asdict(model, recurse=False).values()


def refused(sesamy: CommandLine, file: Path, content: bytes = b"") -> str:
    """Return what is said of a file that is written first, if it can be."""
    if content:
        file.write_bytes(content)
    ran = sesamy("onboard", file, *PROMO)

    assert (ran.code, ran.out) == (2, "")
    return ran.err


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("nowhere.json", "No such file or directory"),
        ("/dev/zero", "it has more than 10000000 bytes"),
    ],
)
def test_unreadable(
    sesamy: CommandLine, tmp_path: Path, path: str, reason: str
) -> None:
    """A file that can't be read is named; one without end is not read."""
    file = tmp_path / path

    assert refused(sesamy, file).startswith(
        f"Error: {file} can't be read: {reason}. Outcome: NOT_SENT."
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b'{"a": 1,\n  b}',
            "order.json has 1 problem: broken at line 2 column 3: Expecting",
        ),
        (
            b'{"externalOrderId": "A-1", "quantity": "1", "x": 1}',
            (
                "read of order 'A-1': order.json has 2 problems:\n"
                "  quantity: must be a whole number such as 1\n"
                "  x: unknown field\n"
            ),
        ),
    ],
)
def test_no_order(sesamy: CommandLine, content: bytes, said: str) -> None:
    """The message names each problem, and the order too."""
    told = refused(sesamy, Path("order.json"), content)

    assert told.startswith(f"Error: {said}")


def test_too_many_problems(sesamy: CommandLine) -> None:
    """The message lists fifty problems; `problems` has them all."""
    file = Path("order.json")
    file.write_text(json.dumps({f"x{number}": 1 for number in range(80)}))
    error = sesamy("onboard", file, *PROMO, "--json").json["error"]

    assert len(error["problems"]) == 81
    assert "x48: unknown field; and 31 more. Outcome" in error["message"]


@pytest.mark.parametrize("more", [(), ("--strict",), ("--json",)])
def test_the_schema_of_an_order(
    sesamy: CommandLine, more: tuple[str, ...]
) -> None:
    """It is JSON for people, too, and says which draft it is of."""
    ran = sesamy("contract", "schema", *more)
    schema = json.loads(ran.out)

    assert (ran.code, ran.err) == (0, "")
    assert schema.pop("$schema").endswith("/2020-12/schema")
    assert schema == NewContract.json_schema(strict="--strict" in more)
    assert ("\n  " in ran.out) is ("--json" not in more)
