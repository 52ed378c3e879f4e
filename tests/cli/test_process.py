"""The command as it is really run: as a process, with signals and pipes."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import attrs
import pytest

from sesamy_async.sandbox import Sandbox
from support.command_line import (
    CREATE,
    IMPORT,
    ONBOARD,
    ORDER,
    ORDER_ID,
    PROMO,
    CommandLine,
    orders_file,
)
from support.commands import SESAMY, ran


PATIENCE = 120.0


@contextmanager
def started(
    *arguments: str, until: Callable[[], object]
) -> Iterator[subprocess.Popen[str]]:
    """Start a command, and wait until it is far enough."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [*SESAMY, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        end = time.monotonic() + PATIENCE
        while not until() and time.monotonic() < end:
            time.sleep(0.01)
        try:
            yield process
        finally:
            process.kill()


def interrupted(
    *arguments: str, when: Callable[[], object]
) -> tuple[int, str, str]:
    """Run a command, and press Ctrl-C when it is time."""
    with started(*arguments, "--no-token-cache", until=when) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def test_interrupted_create(served: Sandbox) -> None:
    """Ctrl-C while the answer is awaited says that nobody knows."""
    served.faults.add("delay:20", on="create")
    code, out, err = interrupted(
        *CREATE, when=lambda: served.ledger.count(ORDER_ID)
    )

    assert (code, out) == (130, "")
    assert err == (
        f"Error: contracts.create of order '{ORDER_ID}': Interrupted. "
        "Outcome: UNKNOWN. It may or may not have been done; look before "
        "sending it again.\n"
    )


def test_interrupted_confirm(served: Sandbox) -> None:
    """Ctrl-C in the second step names the contract of the first."""
    served.faults.add("delay:20", on="confirm")
    code, out, err = interrupted(
        *ONBOARD, "--json", when=lambda: served.ledger.confirmed(ORDER_ID)
    )
    error = json.loads(out)["error"]
    (contract,) = served.ledger.contracts(ORDER_ID)

    assert (code, err) == (130, "")
    assert error["type"] == "InterruptionError"
    assert error["outcome"] == "UNKNOWN"
    assert error["contract_id"] == contract.id
    assert f"Contract '{contract.id}' was made; go on" in error["message"]


def test_stdin() -> None:
    """An order comes through a pipe."""
    done = ran(
        *("onboard", "-", *PROMO, "--sandbox", "--json"),
        input=ORDER.read_text("utf-8"),
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["external_order_id"] == ORDER_ID


def test_all_problems_are_listed() -> None:
    """People get each wrong field of stdin on a line of its own."""
    done = ran("onboard", "-", *PROMO, input='{"quantity": "1", "x": 1}')

    assert done.returncode == 2
    assert done.stderr == (
        "Error: stdin has 3 problems:\n"
        "  externalOrderId: required\n"
        "  quantity: expected int, got str\n"
        "  x: unknown field\n"
        "Outcome: NOT_SENT. Nothing was sent; correct it and send it again.\n"
    )


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="there is no /dev/full"
)
def test_full_disk() -> None:
    """A full disk behind stdout loses no contract, and adds no noise."""
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = ran(*ONBOARD, "--sandbox", stdout=full)

    assert done.returncode == 4
    assert re.fullmatch(
        r"Contract \w+ is confirmed in a sandbox\.\n"
        r"Error: It can't be written to stdout: No space left on device\.\n",
        done.stderr,
    )


def test_sandbox(
    sesamy: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It prints what to export, works with that, and Ctrl-C ends it."""
    config = tmp_path / "shop.toml"
    config.write_text("token_lifetime = 60\n")
    arguments = ("sandbox", "--port", "0", "--config", str(config))
    with started(*arguments, until=lambda: True) as server:
        for name, value in exported(server.stdout).items():
            monkeypatch.setenv(name, value)
        answer = sesamy("token", "--json").json
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=PATIENCE)

    assert (server.returncode, err) == (0, "")
    assert answer["expires_in"] == 60


def exported(stdout: IO[str] | None) -> dict[str, str]:
    """Read the variables that the sandbox prints."""
    assert stdout is not None
    assert "Ctrl-C ends it" in stdout.readline()
    found: dict[str, str] = {}
    while len(found) < 5:
        name, _, value = stdout.readline().strip().partition("=")
        found[name.removeprefix("export ")] = value
    return found


COUNT = 40
AT_ONCE = 8
IMPORTING = (*IMPORT, "--sandbox", "--concurrency", str(AT_ONCE))


@attrs.frozen
class Ledger:
    """What the sandbox of an import has done."""

    path: Path = Path("orders.csv.sandbox")

    @property
    def lines(self) -> Sequence[str]:
        """A line for each thing."""
        return self.path.read_text().splitlines() if self.path.exists() else ()

    def grows(self) -> Callable[[], bool]:
        """Return what says whether it has more than now."""
        least = len(self.lines) + AT_ONCE
        return lambda: len(self.lines) > least

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


def test_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped, stopped at once and killed, it confirms each order once."""
    monkeypatch.chdir(tmp_path)
    orders_file(count=COUNT)
    ledger = Ledger()

    # It finishes what is in flight, and says how to go on.
    with started(*IMPORTING, "--json", until=ledger.grows()) as process:
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=PATIENCE)
    told = json.loads(out)
    stopped = ledger.confirmed

    assert 130 == process.returncode
    assert "Stopping: what is in flight is finished" in err
    assert "interrupted" == told["ending"]
    assert 0 < told["confirmed"] == stopped.total() < COUNT
    assert COUNT == told["confirmed"] + told["unprocessed"]

    # The second Ctrl-C waits for nothing.
    with started(*IMPORTING, until=ledger.grows()) as process:
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)

    assert 130 == process.returncode
    assert "give the same command again" in out

    with started(*IMPORTING, until=ledger.grows()) as process:
        process.kill()
        process.communicate(timeout=PATIENCE)
    done = ran(*IMPORTING)

    assert 0 == done.returncode
    assert done.stdout.startswith(
        f"In a sandbox: All {COUNT} orders are confirmed.\n"
    )
    assert Counter(f"T-{n}" for n in range(1, COUNT + 1)) == ledger.confirmed
