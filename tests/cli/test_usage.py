"""The command explains itself, and what was wrong with its use."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import sesamy_async
from sesamy_async.__main__ import main
from support.command_line import ONBOARD, ORDER, PROMO, CommandLine
from support.commands import ran as ran_apart


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("onbord",), 'Did you mean "onboard"?'),
        (("onboard", str(ORDER)), "--promo"),
        (("onboard", *PROMO), "requires an argument"),
        ((*ONBOARD, "--client-secret=s3cret"), "--client-secret"),
        (("onboard", *PROMO, "-x", "s3cret"), "See `sesamy onboard --help`."),
        ((*ONBOARD, "s3cret"), "one argument too many"),
        (("onboard", "--key=s3cret", *PROMO), "There is no option --key."),
        ((*ONBOARD, "--timeout", "soon"), "--timeout"),
        ((*ONBOARD, "--sandbox", "--timeout", "0"), "timeout must be"),
        ((*ONBOARD, "--sandbox", "--base-url", "x"), "Give either --sandbox"),
        ((*ONBOARD,), "SESAMY_VENDOR_ID"),
        ((*ONBOARD, "--vendor", ""), "--vendor must be"),
        ((*ONBOARD, "--vendor", "acme"), "Set SESAMY_CLIENT_ID and"),
        (("token",), "SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET"),
        (("completion", "tcsh"), "tcsh"),
        (("sandbox", "--port", "99999"), "--port"),
        (("sandbox", "--host", "example.org"), "loopback only"),
        (("sandbox", "--config", "nowhere.toml"), "nowhere.toml"),
        (("sandbox", "--webhook", "http://example.org/"), "must be https"),
    ],
)
def test_usage(
    sesamy: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    """A wrong option or setting is exit code 2, and named."""
    ran = sesamy(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "s3cret" not in ran.err
    assert ran.err.endswith("Outcome: NOT_SENT. Nothing was sent.\n")


def test_missing_variable(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the variable that is missing is named."""
    monkeypatch.setenv("SESAMY_CLIENT_ID", "x")

    assert sesamy("token").err.startswith("Error: Set SESAMY_CLIENT_SECRET: ")


SINGLE = ("", "import", "onboard", "token", "doctor", "sandbox", "completion")
CONTRACT = ("", " create", " confirm", " schema")
ORDERS = ("", " show", " list", " forget", " purge", " settle", " import")
JOURNAL = ("", " show", " resolve", " reconcile", " recover", " purge")


@pytest.mark.parametrize(
    "command",
    [
        *(*SINGLE, "orders schema"),
        *(f"contract{each}" for each in CONTRACT),
        *(f"orders{each}" for each in ORDERS),
        *(f"journal{each}" for each in JOURNAL),
    ],
)
def test_help(sesamy: CommandLine, command: str) -> None:
    """Every command has help with examples."""
    ran = sesamy(*command.split(), "--help")

    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: sesamy {command}".rstrip() in ran.out
    assert "Examples:\n\n  sesamy" in ran.out


def test_help_flows(sesamy: CommandLine) -> None:
    """The texts of options are broken at the width, not as in the code."""
    ran = sesamy("import", "--help")

    assert "ask before the others are sent." in ran.out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("import", 'use "sesamy sandbox" instead'),
        ("import", "except invoices that were cut off"),
        ("orders list", "--state UNKNOWN --state CLAIMED"),
    ],
)
def test_help_is_exact(sesamy: CommandLine, command: str, said: str) -> None:
    """It says what people have found out too late."""
    ran = sesamy(*command.split(), "--help")

    assert said in " ".join(ran.out.replace("│", " ").split())


def test_list() -> None:
    """Each command is listed with what it does, though some don't load."""
    ran = ran_apart("--help")

    assert 0 == ran.returncode
    assert "journal      Show the journal of an import" in ran.stdout
    assert "orders       Show which orders were sent" in ran.stdout
    assert "import       Send all orders in a file" in ran.stdout


@pytest.mark.parametrize(
    ("shell", "check"),
    [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")],
)
def test_completion(
    sesamy: CommandLine, tmp_path: Path, shell: str, check: str
) -> None:
    """Each shell gets a script that it can read, with all commands."""
    ran = sesamy("completion", shell)
    script = tmp_path / "script"
    script.write_text(ran.out, encoding="utf-8")
    found = shutil.which(shell)

    assert (ran.code, ran.err) == (0, "")
    for word in ("onboard", "reconcile", "token-cache"):
        assert word in ran.out
    if found is not None:
        subprocess.run([found, check, script], check=True)  # noqa: S603


def test_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The version is that of the package; arguments are of the process."""
    monkeypatch.setattr(sys, "argv", ["sesamy", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", capsys.readouterr().out)


QUICK = """
import sys
from sesamy_async._cli import run
run(["--version"])
heavy = ("sesamy_async.bulk", "sesamy_async.sandbox", "aiohttp")
sys.stdout.write(repr({*heavy} & {*sys.modules}))
"""


def test_it_starts_quickly() -> None:
    """What one command needs is not imported by the others."""
    done = ran_apart(command=(sys.executable, "-c", QUICK))

    assert done.stdout.endswith("set()")


NO_CLI = """
import runpy, sys
sys.modules["cyclopts"] = None
runpy.run_module("sesamy_async", run_name="__main__")
"""


def test_cli_is_not_installed() -> None:
    """Without the extra, one line says how to get it."""
    done = ran_apart(command=(sys.executable, "-c", NO_CLI))

    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'sesamy-async[cli]'" in done.stderr


def test_other_modules_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing for another reason is not blamed on the extra."""
    monkeypatch.setitem(sys.modules, "sesamy_async._cli", None)
    monkeypatch.delattr(sesamy_async, "_cli", raising=False)

    with pytest.raises(ModuleNotFoundError):
        main()


def test_interrupted_while_it_is_imported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ctrl-C at the very beginning shows no traceback either."""

    class Interrupting:
        def __getattr__(self, name: str) -> object:
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "sesamy_async._cli", Interrupting())
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 130
