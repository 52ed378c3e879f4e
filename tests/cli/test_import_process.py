"""``sesamy import`` as a process: signals, crashes, and the run after."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import attrs
import pytest

from support.command_line import orders_file


COUNT = 120
PATIENCE = 120.0
COMMAND = (
    *(sys.executable, "-m", "sesamy_async", "import", "orders.csv"),
    *("--promo", "SPRING-12", "--sandbox"),
)


@attrs.frozen
class Folder:
    """Where an import runs."""

    path: Path

    @property
    def lines(self) -> Sequence[str]:
        """What the sandbox has done, a line for each thing."""
        ledger = self.path / "orders.csv.sandbox"
        return (
            ledger.read_text("utf-8").splitlines() if ledger.exists() else ()
        )

    @property
    def confirmed(self) -> Counter[str]:
        """How many confirmed contracts each order has."""
        contracts = {
            line["id"]: line for line in map(json.loads, self.lines[1:])
        }
        return Counter(
            line["external_order_id"]
            for line in contracts.values()
            if line["confirmed_at"] is not None
        )

    @contextmanager
    def started(self, *more: str) -> Iterator[subprocess.Popen[str]]:
        """Start the command, and wait until it has sent something."""
        before = len(self.lines)
        with subprocess.Popen(  # noqa: S603 - our own words
            [*COMMAND, *more],
            cwd=self.path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        ) as process:
            end = time.monotonic() + PATIENCE
            while len(self.lines) < before + 30 and time.monotonic() < end:
                time.sleep(0.02)
            try:
                yield process
            finally:
                process.kill()

    def finish(self) -> tuple[int, str]:
        """Run it to its end."""
        done = subprocess.run(  # noqa: S603 - our own words
            COMMAND,
            cwd=self.path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a folder with a file of orders."""
    orders_file(tmp_path / "orders.csv", COUNT)
    return Folder(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped(folder: Folder, number: signal.Signals) -> None:
    """It finishes what is in flight, and says how to go on."""
    with folder.started("--json") as process:
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE)
    told = json.loads(out)
    code, _ = folder.finish()

    assert 130 == process.returncode
    assert "Stopping: what is in flight is finished" in err
    assert "interrupted" == told["ending"]
    assert 0 < told["unprocessed"] < COUNT
    assert COUNT == told["confirmed"] + told["unprocessed"]
    assert 0 == code
    assert Counter(f"T-{n}" for n in range(1, COUNT + 1)) == folder.confirmed


def test_stopped_at_once(folder: Folder) -> None:
    """The second Ctrl-C waits for nothing, and loses nothing either."""
    with folder.started() as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    code, told = folder.finish()

    assert 130 == process.returncode
    assert "give the same command again" in out
    assert (0, f"In a sandbox: All {COUNT} orders are confirmed.") == (
        code,
        told.splitlines()[0],
    )
    assert Counter(f"T-{n}" for n in range(1, COUNT + 1)) == folder.confirmed


@pytest.mark.skipif(os.name != "posix", reason="there is no SIGKILL")
def test_killed(folder: Folder) -> None:
    """Killed twice, it ends with one confirmed contract for each order."""
    for _ in range(2):
        with folder.started() as process:
            process.kill()
            process.communicate(timeout=PATIENCE)
    code, _ = folder.finish()

    assert 0 == code
    assert Counter(f"T-{n}" for n in range(1, COUNT + 1)) == folder.confirmed
