"""The command as it is really run: as a process, with signals and pipes."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, Any

import pytest

from sesamy_async.sandbox import Sandbox
from support.command_line import CREATE, ONBOARD, ORDER, ORDER_ID, PROMO
from support.commands import SESAMY, ran
from support.ports import closed_port


def interrupted(*arguments: str, when: Any) -> tuple[int, str, str]:
    """Run a command, and press Ctrl-C when it is time."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [*SESAMY, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        end = time.monotonic() + 120
        while not when() and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_interrupted_create(
    served: Sandbox,
) -> None:
    """Ctrl-C while the answer is awaited says that nobody knows."""
    served.faults.add("delay:20", on="create")
    code, out, err = interrupted(
        *CREATE,
        "--no-token-cache",
        when=lambda: served.ledger.count(ORDER_ID),
    )

    assert (code, out) == (130, "")
    assert err == (
        f"Error: contracts.create of order '{ORDER_ID}': Interrupted. "
        "Outcome: UNKNOWN. It may or may not have been done; look before "
        "sending it again.\n"
    )


def test_interrupted_confirm(
    served: Sandbox,
) -> None:
    """Ctrl-C in the second step names the contract of the first."""
    served.faults.add("delay:20", on="confirm")
    code, out, err = interrupted(
        *ONBOARD,
        "--no-token-cache",
        "--json",
        when=lambda: served.ledger.confirmed(ORDER_ID),
    )
    error = json.loads(out)["error"]
    (contract,) = served.ledger.contracts(ORDER_ID)

    assert (code, err) == (130, "")
    assert error["type"] == "InterruptionError"
    assert error["outcome"] == "UNKNOWN"
    assert error["contract_id"] == contract.id
    assert f"Contract '{contract.id}' was made; go on" in error["message"]


def test_wrong_secret(served: Sandbox, tmp_path: Path) -> None:
    """With a wrong secret the order is not sent, and the secret not told."""
    done = ran(
        *ONBOARD,
        environment={
            "SESAMY_CLIENT_SECRET": "hunter2-hunter2",
            "XDG_CACHE_HOME": str(tmp_path),
        },
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "Outcome: REFUSED. The order was not sent." in done.stderr
    assert "hunter2" not in done.stderr
    assert served.ledger.total == 0


@pytest.mark.parametrize("variable", ["SESAMY_BASE_URL", "SESAMY_TOKEN_URL"])
def test_no_network(served: Sandbox, variable: str) -> None:
    """Where nobody listens, nothing was sent: exit code 1."""
    del served
    with closed_port() as port:
        done = ran(
            *ONBOARD,
            "--no-token-cache",
            "--deadline",
            "2",
            environment={variable: f"http://127.0.0.1:{port}"},
        )

    assert (done.returncode, done.stdout) == (1, "")
    assert "Outcome: NOT_SENT." in done.stderr
    assert "Traceback" not in done.stderr


def test_stdin() -> None:
    """An order comes through a pipe."""
    done = ran(
        *("onboard", "-", *PROMO, "--sandbox", "--json"),
        input=ORDER.read_text("utf-8"),
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["external_order_id"] == ORDER_ID


def test_stdin_is_empty() -> None:
    """What is wrong with stdin is said of stdin."""
    done = ran("onboard", "-", *PROMO, "--sandbox", input="")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "Error: stdin has a problem: broken at line 1 column 1"
    )


def test_all_problems_are_listed() -> None:
    """People get each wrong field on a line of its own."""
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
        done = ran(
            *ONBOARD,
            "--sandbox",
            stdout=full,
        )

    assert done.returncode == 4
    assert re.fullmatch(
        r"Contract \w+ is confirmed in a sandbox\.\n"
        r"Error: It can't be written to stdout: No space left on device\.\n",
        done.stderr,
    )


def test_sandbox(tmp_path: Path) -> None:
    """It prints what to export, works with that, and Ctrl-C ends it."""
    config = tmp_path / "shop.toml"
    config.write_text("token_lifetime = 60\n")
    with subprocess.Popen(  # noqa: S603 - our own words
        [*SESAMY, "sandbox", "--port", "0", "--config", str(config)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        environment = exported(server.stdout)
        done = ran("token", "--json", environment=environment)
        server.send_signal(signal.SIGINT)
        _, err = server.communicate(timeout=120)

    assert (server.returncode, err) == (0, "")
    assert json.loads(done.stdout)["expires_in"] == 60


def exported(stdout: IO[str] | None) -> dict[str, str]:
    """Read the variables that the sandbox prints."""
    assert stdout is not None
    assert "Ctrl-C ends it" in stdout.readline()
    found: dict[str, str] = {}
    while len(found) < 5:
        name, _, value = stdout.readline().strip().partition("=")
        found[name.removeprefix("export ")] = value
    return found


@pytest.mark.parametrize(
    ("shell", "check"),
    [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")],
)
def test_completion(shell: str, check: str, tmp_path: Path) -> None:
    """Each shell can read its script."""
    done = ran("completion", shell)
    script = tmp_path / "script"
    script.write_text(done.stdout, encoding="utf-8")
    found = shutil.which(shell)

    assert done.returncode == 0
    if found is not None:
        assert ran(check, str(script), command=(found,)).returncode == 0
