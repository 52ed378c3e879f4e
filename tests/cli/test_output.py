"""What commands write is safe to read, never lost, and needs no terminal."""

from __future__ import annotations

import logging
import re
import sys
import warnings
from io import StringIO
from pathlib import Path

import pytest

from sesamy_async.auth import TokenStoreWarning
from support.command_line import CREATE, ONBOARD, PROMO, CommandLine


@pytest.mark.parametrize(
    ("option", "lines"),
    [
        ((), []),
        (("--verbose",), ["INFO contracts.create done"]),
        (("-vv",), ["DEBUG contracts.create: attempt 1", "INFO contracts"]),
        (("-vvv",), ["DEBUG contracts.create: attempt 1", "INFO contracts"]),
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
    error: OSError = OSError(28, "No space left on device")

    def write(self, text: str) -> int:
        """Fail."""
        del text
        raise self.error


class Odd(Full):
    """One that does not say why."""

    error = OSError()


@pytest.mark.parametrize(
    ("stdout", "reason"),
    [
        (Full(), "No space left on device"),
        (Odd(), "OSError"),
        (None, "it is closed"),
    ],
    ids=["full", "odd", "closed"],
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
        rf"Error: It can't be written to stdout: {reason}\.\n",
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
