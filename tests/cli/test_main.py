"""The command starts with what is installed, and ends without noise."""

from __future__ import annotations

import sys

import pytest

import sesamy_async
from sesamy_async.__main__ import main
from support.commands import ran


NO_CLI = """
import runpy, sys
sys.modules["cyclopts"] = None
runpy.run_module("sesamy_async", run_name="__main__")
"""
LAZY = """
import sys
import sesamy_async
sys.stdout.write(repr({"cyclopts", "sesamy_async._cli"} & {*sys.modules}))
"""


def test_cli_is_not_installed() -> None:
    """Without the extra, one line says how to get it."""
    done = ran(command=(sys.executable, "-c", NO_CLI))

    assert (done.returncode, done.stdout) == (2, "")
    assert "pip install 'sesamy-async[cli]'" in done.stderr


def test_other_modules_are_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is missing for another reason is not blamed on the extra."""
    monkeypatch.setitem(sys.modules, "sesamy_async._cli", None)
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

    monkeypatch.setitem(sys.modules, "sesamy_async._cli", Interrupting())
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
