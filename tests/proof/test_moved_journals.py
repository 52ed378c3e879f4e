"""A journal that was moved without its WAL, after a real kill."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from proof.kills.served import Served, served
from support.command_line import CommandLine, orders_file


COMMAND = ("import", "orders.csv", "--promo", "SPRING-12", "--json")
COUNT, ENOUGH = 60, 20
PATIENCE = 120.0


@attrs.frozen
class Shop:
    """Somebody with a file of orders, and a sandbox in another process."""

    sandbox: Served

    def kill(self, folder: Path) -> None:
        """Begin an import, and kill it when some orders are confirmed."""
        with subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-m", "sesamy_async", *COMMAND],
            cwd=folder,
            env={
                **os.environ,
                **self.sandbox.settings,
                "XDG_CACHE_HOME": str(folder / "cache"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            end = time.monotonic() + PATIENCE
            while self.confirmed < ENOUGH and time.monotonic() < end:
                time.sleep(0.01)
            process.kill()
            process.communicate(timeout=PATIENCE)

    @property
    def confirmed(self) -> int:
        """How many contracts give access."""
        confirmed: int = self.sandbox.ledger()["totals"]["confirmed"]
        return confirmed

    @property
    def most(self) -> int:
        """How many confirmed contracts any order has."""
        orders = self.sandbox.ledger()["orders"].values()
        counts = [sum(one["confirmed"] for one in each) for each in orders]
        most: int = max(counts)
        return most


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    """Return a shop, and serve its sandbox in another process."""
    with served(tmp_path / "notes", 1, {}) as sandbox:
        yield Shop(sandbox)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Return a folder with orders, and an empty one."""
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()
    orders_file(here / "orders.csv", COUNT)
    return here, there


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_moved_without_its_wal(
    shop: Shop,
    folders: tuple[Path, Path],
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing is sent until the WAL is there, too; then all goes on."""
    here, there = folders
    shop.kill(here)
    monkeypatch.chdir(there)
    for name, value in shop.sandbox.settings.items():
        monkeypatch.setenv(name, value)
    for name in ("orders.csv", "orders.csv.journal"):
        (here / name).rename(there / name)
    before = shop.sandbox.ledger()["orders"]
    refused = sesamy(*COMMAND)
    after = shop.sandbox.ledger()["orders"]
    wal = "orders.csv.journal-wal"
    (here / wal).rename(there / wal)
    done = sesamy(*COMMAND)

    assert 1 == refused.code
    assert before == after
    assert f"{wal} is not beside it" in refused.out
    assert f"Find the {wal} that was beside this journal" in refused.out
    assert "Nothing was sent." in refused.out
    assert (0, COUNT, 1) == (done.code, shop.confirmed, shop.most)
