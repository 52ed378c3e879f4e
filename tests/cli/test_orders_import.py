"""``orders import`` tells the store of orders that were sent without it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from sesamy_async.idempotency import OrderKey, SQLiteStore
from sesamy_async.sandbox import Sandbox
from support.command_line import (
    ORDERS,
    PROMO,
    CommandLine,
    orders_file,
    own_store,
)


WITHOUT = ("--idempotency", "none")
ALREADY = ("orders", "import", "orders.csv", "--already-sent")


def listed(sesamy: CommandLine) -> dict[str, tuple[str, str, str]]:
    """Return what the store knows of each order."""
    return {
        each["external_order_id"]: (
            each["state"],
            each["source"],
            each["vendor_id"],
        )
        for each in sesamy("orders", "list", "--json").json["orders"]
    }


def add_contracts(path: Path, *contracts: str) -> None:
    """Add the column of contracts."""
    lines = path.read_text("utf-8").splitlines()
    cells = ("#contractId", *contracts)
    added = [f"{each},{cell}" for each, cell in zip(lines, cells, strict=True)]
    path.write_text("\n".join(added), encoding="utf-8")


@pytest.mark.parametrize("name", ["orders.csv", "orders.csv.journal"])
def test_journal(sesamy: CommandLine, served: Sandbox, name: str) -> None:
    """What an import sent without a store is not sent again."""
    orders_file()
    sesamy("import", ORDERS, *PROMO, *WITHOUT)
    ran = sesamy("orders", "import", name)
    again = sesamy("orders", "import", name, "--json")
    known = listed(sesamy)

    assert (0, 0) == (ran.code, again.code)
    assert ran.out == (
        f"{own_store()} knows 3 orders of orders.csv.journal: 3 new, 0 "
        "already.\n"
    )
    assert again.json == {
        "new": 0,
        "known": 3,
        "refused": 0,
        "file": "orders.csv.journal",
        "store": str(own_store()),
    }
    assert {("CONFIRMED", "orders.csv", "acme")} == {*known.values()}
    assert 3 == served.ledger.requests("confirm")


@pytest.mark.usefixtures("served")
def test_already_sent(sesamy: CommandLine) -> None:
    """All orders of a list count as confirmed, with or without contracts."""
    add_contracts(orders_file(), "c1", "", "c3")
    ran = sesamy(*ALREADY, *PROMO)
    known = listed(sesamy)
    contract = sesamy("orders", "show", "T-3", "--json").json["contract_id"]

    assert 0 == ran.code
    assert ran.out.endswith(
        "knows 3 orders of orders.csv: 3 new, 0 already.\n"
    )
    assert [*"123"] == sorted(each.removeprefix("T-") for each in known)
    assert {("CONFIRMED", "orders.csv", "acme")} == {*known.values()}
    assert "c3" == contract


@pytest.mark.parametrize(("promo", "noticed"), [(PROMO, True), ((), False)])
def test_other_data(
    sesamy: CommandLine, promo: tuple[str, ...], *, noticed: bool
) -> None:
    """With a promo code, it is noticed if an order comes with other data."""
    orders_file(count=1)
    sesamy(*ALREADY, "--vendor", "acme", *promo)
    key = OrderKey("https://api.sesamy.com", "acme", "T-1")
    with closing(SQLiteStore(own_store())) as store:
        known = store.look([key], within=5.0)[key]

    assert noticed is (known.digest is not None)


def test_contradictions(sesamy: CommandLine) -> None:
    """A contract of another order is exit code 4, unless they may share."""
    add_contracts(orders_file(), "c1", "c2", "c1")
    command = (*ALREADY, "--vendor", "acme")
    ran = sesamy(*command)
    shared = sesamy(*command, "--shared-contracts", "--json")

    assert 4 == ran.code
    assert "2 new, 0 already; and something else of 1 more." in ran.out
    assert "The others are being sent now, or the store has" in ran.out
    assert (0, 1, 2) == (shared.code, shared.json["new"], shared.json["known"])


@pytest.mark.parametrize("where", [("--where", "sandbox 1a"), ()])
def test_where(sesamy: CommandLine, where: tuple[str, ...]) -> None:
    """They were sent to Sesamy, unless it is said where."""
    orders_file(count=1)
    sesamy(*ALREADY, "--vendor", "acme", *where)
    ran = sesamy("orders", "show", "T-1", "--json").json

    assert ran["where"] == (where[1:] or ("https://api.sesamy.com",))[0]


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (ALREADY, 2, "--vendor, or set SESAMY_VENDOR_ID."),
        ((*ALREADY, "--vendor", "acme"), 2, "orders.csv has mistakes: row 2"),
        (("orders", "import", "orders.csv"), 1, "journal"),
    ],
)
def test_refusals(
    sesamy: CommandLine, command: tuple[str, ...], code: int, said: str
) -> None:
    """What is missing or wrong is said, and nothing is remembered."""
    orders_file(wrong=2)
    ran = sesamy(*command)

    assert (code, "") == ran[:2]
    assert said in ran.err
    assert not own_store().exists()


def test_many_mistakes(sesamy: CommandLine) -> None:
    """Of many mistakes, the first are listed, and the others counted."""
    file = orders_file(count=25)
    file.write_text(file.read_text("utf-8").replace("@", "(at)"), "utf-8")
    ran = sesamy(*ALREADY, "--vendor", "acme")

    assert 2 == ran.code
    assert 20 == ran.err.count("\n  row ")
    assert "\n  and 5 more\nNothing was recorded in the store." in ran.err


def test_a_mapping_beside_the_file(sesamy: CommandLine) -> None:
    """A file that was sent in another way is read as an import reads it."""
    Path("orders.csv").write_text("Nr;E-post\nA-1;a@example.com\n")
    Path("orders.csv.mapping.toml").write_text(
        "[columns]\nNr = 'externalOrderId'\nE-post = 'userData.email'\n"
    )
    ran = sesamy(*ALREADY, "--vendor", "v")

    assert 0 == ran.code
    assert "read with the mapping orders.csv.mapping.toml" in ran.err
    assert ["A-1"] == [*listed(sesamy)]
