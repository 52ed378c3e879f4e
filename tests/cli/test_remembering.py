"""What is sent is remembered: by default, in a file of the user's."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from sesamy_async._cli import client
from sesamy_async.idempotency import SQLiteStore, StoreUnavailable
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


def other_data(path: Path) -> Path:
    """Write the order with another quantity."""
    text = ORDER.read_text("utf-8").replace('"quantity": 1', '"quantity": 2')
    path.write_text(text, encoding="utf-8")
    return path


def test_onboarded_again(sesamy: CommandLine, served: Sandbox) -> None:
    """The second time nothing is sent, and it is said where that is known."""
    sesamy(*ONBOARD)
    ran, machines = sesamy(*ONBOARD), sesamy(*ONBOARD, "--json")
    (contract,) = served.ledger.contracts(ORDER_ID)

    assert ran == Ran(
        0,
        f"Contract {contract.id} is confirmed already.\n"
        f"  order       {ORDER_ID}\n"
        "  strays      0\n"
        f"  known from  {own_store()}\n",
        "",
    )
    assert machines.json == {
        "contract_id": contract.id,
        "status": None,
        "confirmed": True,
        "repeated": True,
        "external_order_id": ORDER_ID,
        "strays": 0,
        "sandbox": False,
        "store": str(own_store()),
    }


def test_go_on_from_a_create(sesamy: CommandLine, served: Sandbox) -> None:
    """What an earlier command created is confirmed, not created again."""
    sesamy(*CREATE)
    ran = sesamy(*ONBOARD)
    (contract,) = served.ledger.confirmed(ORDER_ID)

    assert ran == Ran(
        0,
        f"Contract {contract.id} is confirmed.\n"
        f"  order       {ORDER_ID}\n"
        "  status      ACTIVE\n"
        "  strays      0\n"
        f"  known from  {own_store()}\n",
        "",
    )
    assert 1 == len(served.ledger.contracts(ORDER_ID))


def test_confirmed_in_a_step_of_its_own(
    sesamy: CommandLine, served: Sandbox
) -> None:
    """The order of a contract is found, and counts as confirmed."""
    contract = sesamy(*CREATE, "--json").json["contract_id"]
    sesamy("contract", "confirm", contract, *PROMO)
    ran = sesamy(*ONBOARD)

    assert f"Contract {contract} is confirmed already." in ran.out
    assert 1 == served.ledger.requests("confirm")


@pytest.mark.parametrize(
    ("more", "said", "confirmed"),
    [
        ((), "is created already; nothing was sent.", None),
        (
            ("--confirm",),
            "is created and confirmed already; nothing was",
            True,
        ),
    ],
)
def test_created_again(
    sesamy: CommandLine,
    served: Sandbox,
    more: tuple[str, ...],
    said: str,
    *,
    confirmed: bool | None,
) -> None:
    """A create of a known order sends nothing either."""
    sesamy(*ONBOARD)
    ran, machines = sesamy(*CREATE, *more), sesamy(*CREATE, *more, "--json")

    assert 1 == served.ledger.requests("create")
    assert said in ran.out
    assert str(own_store()) in ran.out
    assert (confirmed, True) == (
        machines.json["confirmed"],
        machines.json["repeated"],
    )


def test_other_data(
    sesamy: CommandLine, served: Sandbox, tmp_path: Path
) -> None:
    """Another order under a known id is exit code 2, and not sent."""
    sesamy(*ONBOARD)
    other = other_data(tmp_path / "other.json")
    ran = sesamy("onboard", other, *PROMO, "--json")
    error = ran.json["error"]

    assert 2 == ran.code
    assert ("OrderMismatchError", "NOT_SENT", "CONFIRMED") == (
        error["type"],
        error["outcome"],
        error["state"],
    )
    assert error["told_at"] > 0
    assert 1 == served.ledger.requests("create")


def test_another_store(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """An option names another store, or the environment does."""
    option = ("--idempotency", "sqlite:shop.db")
    first = sesamy(*ONBOARD, *option)
    monkeypatch.setenv("SESAMY_IDEMPOTENCY", f"sqlite://{tmp_path}/shop.db")
    second = sesamy(*ONBOARD, "--json")

    assert (0, True) == (first.code, second.json["repeated"])
    assert 1 == len(served.ledger.contracts(ORDER_ID))
    assert not own_store().exists()


@pytest.mark.usefixtures("served")
def test_no_password_in_an_option(sesamy: CommandLine) -> None:
    """A password is taken from the environment only, and not shown."""
    url = "postgresql://kim:s3cret@db.example/shop"
    ran = sesamy(*ONBOARD, "--idempotency", url)
    unreadable = sesamy(*ONBOARD, "--idempotency", "redis://[s3cret")

    assert (2, 2) == (ran.code, unreadable.code)
    assert "Set SESAMY_IDEMPOTENCY instead" in ran.err
    assert "s3cret" not in f"{ran.err}{unreadable.err}"


@pytest.mark.usefixtures("served")
def test_the_name_of_other_stores(sesamy: CommandLine) -> None:
    """A store that is no file is named by its kind."""
    ran = sesamy(*ONBOARD, "--idempotency", "memory:", "--json")

    assert "MemoryStore" == ran.json["store"]


def test_switched_off(sesamy: CommandLine, served: Sandbox) -> None:
    """Without a store nothing is remembered, as is asked for."""
    again = (*ONBOARD, "--idempotency", "none", "--json")
    ran = [sesamy(*again).json for _ in range(2)]

    assert [None, None] == [each["store"] for each in ran]
    assert 2 == len(served.ledger.confirmed(ORDER_ID))
    assert not own_store().exists()


def test_a_rehearsal_is_not_remembered(sesamy: CommandLine) -> None:
    """What goes into a temporary sandbox was not reported to Sesamy."""
    ran = [sesamy(*ONBOARD, "--sandbox", "--json").json for _ in range(2)]

    assert [(False, None)] * 2 == [
        (each["repeated"], each["store"]) for each in ran
    ]
    assert not own_store().exists()


@pytest.mark.usefixtures("served")
def test_only_for_the_user(sesamy: CommandLine) -> None:
    """Nobody else may look into the folder or the file."""
    sesamy(*ONBOARD)
    store = own_store()

    assert [0o700, 0o600] == [
        stat.S_IMODE(each.stat().st_mode) for each in (store.parent, store)
    ]


def raising(*_: object, **__: object) -> Path:
    """Find no home, as new versions of platformdirs do."""
    raise RuntimeError("could not determine the home directory")


def beginning_with_a_tilde(*_: object, **__: object) -> Path:
    """Find no home, as old versions do."""
    return Path("~/.local/state/sesamy")


PLACE = "Set SESAMY_IDEMPOTENCY to a permanent file"


@pytest.mark.parametrize("finding", [raising, beginning_with_a_tilde])
def test_no_home(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    finding: Callable[..., Path],
) -> None:
    """Without a place to remember, as in a container, nothing is sent."""
    monkeypatch.setattr(client, "user_state_path", finding)
    ran = sesamy(*ONBOARD)

    assert (2, ()) == (ran.code, served.ledger.contracts(ORDER_ID))
    assert f"there is no home folder. {PLACE}" in ran.err


def test_no_folder(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A folder that can't be made is named, and nothing is sent."""
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(file))
    ran = sesamy(*ONBOARD)

    assert (2, ()) == (ran.code, served.ledger.contracts(ORDER_ID))
    assert (
        f"{file}/sesamy can't be created (Not a directory). {PLACE}" in ran.err
    )


def test_no_permission(
    sesamy: CommandLine, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that the user may not write is named, too."""

    def refuse(*_: object) -> bool:
        return False

    monkeypatch.setattr(os, "access", refuse)
    ran = sesamy(*ONBOARD)

    assert (2, ()) == (ran.code, served.ledger.contracts(ORDER_ID))
    assert (
        f"have no permission to write to {own_store().parent}. {PLACE}"
        in ran.err
    )


def test_a_damaged_store(sesamy: CommandLine, served: Sandbox) -> None:
    """If the store can't be used, nothing is sent: exit code 1."""
    own_store().parent.mkdir(parents=True)
    own_store().write_text("no database" * 100)
    ran = sesamy(*ONBOARD)

    assert (1, ()) == (ran.code, served.ledger.contracts(ORDER_ID))
    assert "Outcome: NOT_SENT." in ran.err


@pytest.mark.usefixtures("served")
def test_lost_in_between(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that fails after the create is exit code 4."""

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("The disk is full.", retryable=False)

    monkeypatch.setattr(SQLiteStore, "first", fail)
    ran = sesamy(*ONBOARD)

    assert 4 == ran.code
    assert "The disk is full." in ran.err


def test_strays_are_for_no_invoices(
    sesamy: CommandLine, served: Sandbox
) -> None:
    """A create of an invoice is not repeated unless that is asked for."""
    served.faults.add("drop-after", on="create")
    careful = sesamy(*ONBOARD)
    served.faults.add("drop-after", on="create")
    asked = sesamy(*ONBOARD, "--strays", "--idempotency", "none")

    assert (4, 0) == (careful.code, asked.code)
    assert "sesamy orders settle" in careful.err
