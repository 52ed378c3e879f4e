"""The command as it is really run: as a process, with signals and pipes."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import pytest

import sesamy_async
from sesamy_async.__main__ import main
from sesamy_async.sandbox import Sandbox, running


ORDER = Path(__file__).parent.parent / "examples" / "order.json"
ORDER_ID = "A-2026-004711"
SESAMY = (sys.executable, "-m", "sesamy_async")
PROMO = ("--promo", "SPRING-12")
NO_CLI = """
import runpy, sys
sys.modules["cyclopts"] = None
runpy.run_module("sesamy_async", run_name="__main__")
"""
LAZY = """
import sys
import sesamy_async
sys.stdout.write(repr({"cyclopts", "sesamy_async.cli"} & {*sys.modules}))
"""


@pytest.fixture
def served() -> Iterator[tuple[Sandbox, dict[str, str]]]:
    """Serve a sandbox; yield it with the environment that leads to it."""
    sandbox = Sandbox()
    with running(sandbox) as url:
        yield sandbox, sandbox.environment(url)


def ran(
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    command: tuple[str, ...] = SESAMY,
    **more: Any,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(  # noqa: S603 - our own words
        [*command, *arguments],
        env={**os.environ, **(environment or {})},
        text=True,
        encoding="utf-8",
        timeout=30,
        check=False,
        **({"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more),
    )


def interrupted(
    *arguments: str, environment: Mapping[str, str], when: Any
) -> tuple[int, str, str]:
    """Run a command, and press Ctrl-C when it is time."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [*SESAMY, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        end = time.monotonic() + 20
        while not when() and time.monotonic() < end:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def closed_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


def test_interrupted_create(
    served: tuple[Sandbox, dict[str, str]],
) -> None:
    """Ctrl-C while the answer is awaited says that nobody knows."""
    sandbox, environment = served
    sandbox.faults.add("delay:20", on="create")
    code, out, err = interrupted(
        *("contract", "create", str(ORDER), *PROMO, "--no-token-cache"),
        environment=environment,
        when=lambda: sandbox.ledger.count(ORDER_ID),
    )

    assert (code, out) == (130, "")
    assert err == (
        f"Error: contracts.create of order '{ORDER_ID}': Interrupted. "
        "Outcome: UNKNOWN. It may or may not have been done; look before "
        "sending it again.\n"
    )


def test_interrupted_confirm(
    served: tuple[Sandbox, dict[str, str]],
) -> None:
    """Ctrl-C in the second step names the contract of the first."""
    sandbox, environment = served
    sandbox.faults.add("delay:20", on="confirm")
    code, out, err = interrupted(
        *("onboard", str(ORDER), *PROMO, "--no-token-cache", "--json"),
        environment=environment,
        when=lambda: sandbox.ledger.confirmed(ORDER_ID),
    )
    error = json.loads(out)["error"]
    (contract,) = sandbox.ledger.contracts(ORDER_ID)

    assert (code, err) == (130, "")
    assert error["type"] == "InterruptionError"
    assert error["outcome"] == "UNKNOWN"
    assert error["contract_id"] == contract.id
    assert f"Contract '{contract.id}' was made; go on" in error["message"]


def test_wrong_secret(
    served: tuple[Sandbox, dict[str, str]], tmp_path: Path
) -> None:
    """With a wrong secret the order is not sent, and the secret not told."""
    sandbox, environment = served
    done = ran(
        *("onboard", str(ORDER), *PROMO),
        environment=environment
        | {
            "SESAMY_CLIENT_SECRET": "hunter2-hunter2",
            "XDG_CACHE_HOME": str(tmp_path),
        },
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "Outcome: REFUSED. The order was not sent." in done.stderr
    assert "hunter2" not in done.stderr
    assert sandbox.ledger.total == 0


@pytest.mark.parametrize("variable", ["SESAMY_BASE_URL", "SESAMY_TOKEN_URL"])
def test_no_network(
    served: tuple[Sandbox, dict[str, str]], variable: str
) -> None:
    """Where nobody listens, nothing was sent: exit code 1."""
    _, environment = served
    done = ran(
        *("onboard", str(ORDER), *PROMO, "--no-token-cache"),
        *("--deadline", "2"),
        environment=environment
        | {variable: f"http://127.0.0.1:{closed_port()}"},
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
            *("onboard", str(ORDER), *PROMO, "--sandbox"),
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
        _, err = server.communicate(timeout=20)

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


def test_cli_is_not_installed() -> None:
    """Without the extra, one line says how to get it."""
    done = ran(command=(sys.executable, "-c", NO_CLI))

    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'sesamy-async[cli]'" in done.stderr


def test_other_modules_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing for another reason is not blamed on the extra."""
    monkeypatch.setitem(sys.modules, "sesamy_async.cli", None)
    monkeypatch.delattr(sesamy_async, "cli", raising=False)

    with pytest.raises(ModuleNotFoundError):
        main()


def test_interrupted_while_it_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C at the very beginning shows no traceback either."""

    class Interrupting:
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "sesamy_async.cli", Interrupting())
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 130


def test_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command takes its arguments from the process."""
    monkeypatch.setattr(sys, "argv", ["sesamy", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0


def test_cli_is_lazy() -> None:
    """Whoever imports the SDK does not pay for the command line."""
    done = ran(command=(sys.executable, "-c", LAZY))

    assert done.stdout == "set()"
