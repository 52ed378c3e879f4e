"""The nightly job reports each sale once, and prints only what failed."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from support.examples import Examples, wait_for


IDS = [f"N-{number}" for number in range(5)]
PERSONAL = re.compile(r"@example\.se|Kim")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Make a shop's database, with a sale of last week's besides."""
    path = tmp_path / "shop.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE sales (promo_code, order_id, provider, method,"
            " email, name, sold_at)"
        )
        database.executemany(
            "INSERT INTO sales VALUES ('SPRING-12', ?, 'KLARNA', 'CARD',"
            " 'kim@example.se', 'Kim', datetime('now', ?))",
            [("N-old", "-8 days"), *((each, "-1 hours") for each in IDS)],
        )
    return path


def test_all_is_well(examples: Examples, shop: Path) -> None:
    """Two runs at once report each sale once, and print nothing."""
    with (
        examples.started("nightly.py", shop) as first,
        examples.started("nightly.py", shop) as second,
    ):
        ended = [wait_for(first), wait_for(second)]

    assert [(0, "", "")] * 2 == ended
    assert examples.once(*IDS)
    assert not examples.sandbox.ledger.count("N-old")


def test_what_a_person_must_look_at(examples: Examples, shop: Path) -> None:
    """It is printed, and everything else is reported."""
    with closing(sqlite3.connect(shop)) as database, database:
        database.execute("UPDATE sales SET email = '?' WHERE order_id = 'N-0'")
    examples.sandbox.faults.add("status:422", on="create")
    failed = examples.run("nightly.py", shop)
    repaired = examples.run("nightly.py", shop)

    assert (4, "") == (failed.code, failed.err)
    assert re.match("N-0: .*\nN-1: .*\n2 to look at; 0 or more", failed.out)
    assert not PERSONAL.search(failed.out)
    assert examples.once(*IDS[1:])
    assert re.match("N-0: .*\n1 to look at", repaired.out)


def test_an_outage(examples: Examples, shop: Path) -> None:
    """After three failures in a row, the next run goes on."""
    examples.sandbox.faults.add("wait:200", on="create")
    failed = examples.run("nightly.py", shop)
    examples.sandbox.faults.clear()
    again = examples.run("nightly.py", shop)

    assert (1, "") == (failed.code, failed.err)
    assert 4 == failed.out.count("\n")
    assert "0 to look at; 3 or more left for the next run." in failed.out
    assert (0, "", "") == again
    assert examples.once(*IDS)


def test_no_token(examples: Examples, shop: Path) -> None:
    """Nothing is sent, and one message says why."""
    examples.sandbox.faults.add("status:403", times=2, on="token")
    ended = examples.run("nightly.py", shop)

    assert (2, "") == (ended.code, ended.err)
    assert 1 == ended.out.count("\n")
    assert 0 == examples.sandbox.ledger.total
