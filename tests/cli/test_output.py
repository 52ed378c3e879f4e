"""What commands write, and how they run as processes, with signals."""

from __future__ import annotations

import json
import logging
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import IO

import pytest

from sesamy_async.auth import TokenStoreWarning
from sesamy_async.sandbox import Sandbox
from support.command_line import (
    CREATE,
    ONBOARD,
    ORDER,
    ORDER_ID,
    PROMO,
    CommandLine,
)
from support.commands import SESAMY, ran
from support.patience import until
from support.webhook_receiver import receiving


@pytest.mark.parametrize(
    ("option", "lines"),
    [
        ((), []),
        (("--verbose",), ["INFO contracts.create done"]),
        (("-vv",), ["DEBUG contracts.create: attempt 1", "INFO contracts"]),
    ],
)
def test_verbose(
    sesamy: CommandLine, option: tuple[str, ...], lines: list[str]
) -> None:
    """Logs go to stderr, and only where they are asked for."""
    ran = sesamy(*CREATE, "--sandbox", *option)

    assert ran.code == 0
    assert [line in ran.err for line in lines] == [True] * len(lines)
    assert bool(lines) == bool(ran.err)


class Full(StringIO):
    """A stdout with no room, on a pipe or a disk."""

    encoding = "ascii"

    def write(self, text: str) -> int:
        """Fail, and do not say why."""
        del text
        raise OSError


@pytest.mark.parametrize(
    ("stdout", "reason"),
    [
        (Full(), "OSError"),
        (None, "it is closed"),
    ],
    ids=["odd", "closed"],
)
def test_answer_is_not_lost(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Full | None,
    reason: str,
) -> None:
    """Where stdout takes nothing, stderr names the contract."""
    monkeypatch.setattr(sys, "stdout", stdout)
    ran = sesamy(*ONBOARD, "--sandbox")

    assert ran.code == 4
    assert re.fullmatch(
        r"Contract \w+ is confirmed in a sandbox\.\n"
        rf"Error: The result can't be written to stdout: {reason}\.\n",
        ran.err,
    )


def test_error_is_not_lost(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that stdout does not take goes to stderr."""
    machines = sesamy("onboard", "--json")
    monkeypatch.setattr(sys, "stdout", Full())
    ran = sesamy("onboard", "--json")

    assert (2, 2, "") == (ran.code, machines.code, machines.err)
    assert "UsageError" == machines.json["error"]["type"]
    assert ran.err.startswith("Error: ")


def test_terminal_is_safe(sesamy: CommandLine, tmp_path: Path) -> None:
    """A text that would steer the terminal is shown escaped."""
    file = tmp_path / "order.json"
    file.write_text('{"externalOrderId": "A\\u001b[2J\\ud83d\\ude00"}')
    ran = sesamy("contract", "create", file, *PROMO, "--sandbox")

    assert "\x1b" not in f"{ran.out}{ran.err}"
    assert "A\\x1b[2J😀" in f"{ran.out}{ran.err}"


def test_logs_are_safe(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The logs and the warnings of the SDK steer no terminal either."""

    def noisy(*_: object) -> None:
        logging.getLogger("sesamy_async").warning("a\x1b]0;evil\x07")
        warnings.warn("b\x9b", TokenStoreWarning, stacklevel=1)
        raise KeyboardInterrupt

    monkeypatch.setattr("sesamy_async._cli.contract.read_order", noisy)
    warned = sesamy(*ONBOARD).err.splitlines()[:2]

    assert [
        r"WARNING a\x1b]0;evil\x07",
        r"Warning: b\x9b",
    ] == warned


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


@pytest.mark.parametrize(
    ("on", "command", "said"),
    [
        ("create", CREATE, "Check whether Sesamy has a contract"),
        ("create", (*ONBOARD, "--strays"), "make the same call again"),
        ("confirm", ONBOARD, "make the same call again"),
    ],
)
def test_interrupted(
    served: Sandbox, on: str, command: tuple[str, ...], said: str
) -> None:
    """Ctrl-C while an answer is awaited says that nobody knows."""
    ledger = served.ledger
    served.faults.add("delay:20", on=on)
    reached = ledger.count if on == "create" else ledger.confirmed
    command = (*command, "--no-token-cache", "--json")
    with started(*command, until=lambda: reached(ORDER_ID)) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE)
    error = json.loads(out)["error"]
    [contract] = ledger.contracts(ORDER_ID)

    assert (130, "") == (process.returncode, err)
    assert ("InterruptionError", "UNKNOWN") == (
        error["type"],
        error["outcome"],
    )
    assert said in error["message"]
    assert error["message"].count("Interrupted.") == 1
    if on == "confirm":
        assert contract.id == error["contract_id"]


def test_stdin() -> None:
    """An order comes through a pipe, and so may a wrong one."""
    done = ran(
        *("onboard", "-", *PROMO, "--sandbox", "--json"),
        input=ORDER.read_text("utf-8"),
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["external_order_id"] == ORDER_ID

    wrong = ran("onboard", "-", *PROMO, input='{"quantity": "1"}')

    assert 2 == wrong.returncode
    assert wrong.stderr.startswith(
        "Error: stdin has 2 problems:\n  externalOrderId: is missing\n"
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
        r"Error: The result can't be written to stdout: "
        r"No space left on device\.\n",
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


@pytest.mark.parametrize("configured", ["", "[webhook]\nurl = '{other}'\n"])
def test_webhook_of_a_sandbox(
    configured: str,
    sesamy: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It posts events to the webhook, with the secret of the environment."""
    config = tmp_path / "shop.toml"
    config.write_text(configured.format(other="http://127.0.0.1:9/other"))
    monkeypatch.setenv("SESAMY_WEBHOOK_AUTHORIZATION", "Bearer hush")
    with receiving() as receiver:
        arguments = ("sandbox", "--port", "0", "--config", str(config))
        more = ("--webhook", receiver.url)
        with started(*arguments, *more, until=lambda: True) as server:
            for name, value in exported(server.stdout).items():
                monkeypatch.setenv(name, value)
            onboarded = sesamy(*ONBOARD, "--idempotency", "none")
            until(lambda: len(receiver.received) == 2)
            server.send_signal(signal.SIGINT)
            out, err = server.communicate(timeout=PATIENCE)

    assert 0 == onboarded.code
    assert {"Bearer hush"} == {each for each, _ in receiver.received}
    assert "hush" not in out + err


def exported(stdout: IO[str] | None) -> dict[str, str]:
    """Read the variables that the sandbox prints."""
    assert stdout is not None
    assert "Ctrl-C ends it" in stdout.readline()
    found: dict[str, str] = {}
    while len(found) < 5:
        name, _, value = stdout.readline().strip().partition("=")
        found[name.removeprefix("export ")] = value
    return found
