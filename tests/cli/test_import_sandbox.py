"""``sesamy import --sandbox`` goes on in the world in which it began."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import CommandLine, orders_file


IMPORT = ("import", "orders.csv", "--promo", "SPRING-12")


@pytest.fixture(autouse=True)
def _orders(tmp_path: Path) -> None:
    """Write a file of orders."""
    orders_file(tmp_path / "orders.csv")


def test_needs_nothing(sesamy: CommandLine) -> None:
    """It takes no credentials, and says that no real contract was made."""
    ran = sesamy(*IMPORT, "--sandbox")

    assert 0 == ran.code
    assert ran.out.startswith("In a sandbox: All 3 orders are confirmed.\n")


def test_world_is_gone(sesamy: CommandLine) -> None:
    """Without the world of before, it says how to begin anew."""
    first = sesamy(*IMPORT, "--sandbox")
    Path("orders.csv.sandbox").unlink()
    lost = sesamy(*IMPORT, "--sandbox")
    Path("orders.csv.journal").unlink()
    anew = sesamy(*IMPORT, "--sandbox")

    assert (0, 2, 0) == (first.code, lost.code, anew.code)
    assert "or remove orders.csv.journal to try it anew" in lost.err


def test_another_world(sesamy: CommandLine) -> None:
    """The ledger of another import is not mistaken for its own."""
    first = sesamy(*IMPORT, "--sandbox")
    other = sesamy(*IMPORT, "--sandbox", "--journal", "other.journal")
    Path("other.sandbox").replace("orders.csv.sandbox")
    mixed = sesamy(*IMPORT, "--sandbox")

    assert (0, 0, 1) == (first.code, other.code, mixed.code)
    assert "--base-url was sandbox" in mixed.err


def test_nothing_personal_is_kept(sesamy: CommandLine) -> None:
    """No file that it leaves holds a name or an address."""
    sesamy(*IMPORT, "--sandbox", "--report", "page.html")
    found = [
        path.name
        for path in Path().iterdir()
        if b"example.se" in path.read_bytes()
    ]

    assert ["orders.csv"] == found
