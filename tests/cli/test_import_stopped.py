"""However an import is stopped on a terminal, its cursor is visible."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest
from rich.live import Live

from sesamy_async._cli.import_progress import can_ask, counting, watching
from support.command_line import orders_file


pty: Any = pytest.importorskip("pty", reason="Windows has none")
HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"
COMMAND = (
    *(sys.executable, "-m", "sesamy_async", "import", "orders.csv"),
    *("--promo", "SPRING-12", "--sandbox", "--first", "1"),
)
PATIENCE = 60


def test_kill(tmp_path: Path) -> None:
    """After a kill the cursor is visible, and the reports are written."""
    orders_file(tmp_path / "orders.csv", count=40)
    environment = {
        **os.environ,
        "TERM": "xterm",
        "XDG_STATE_HOME": str(tmp_path),
    }
    terminal, own = pty.openpty()
    streams: dict[str, Any] = {"stdin": own, "stdout": own, "stderr": own}
    told, until = "", time.monotonic() + PATIENCE
    answered = killed = False
    with Popen(  # noqa: S603 - our own command
        COMMAND, cwd=tmp_path, env=environment, **streams
    ) as child:
        os.close(own)
        # Linux: the terminal is gone once its process has ended.
        with suppress(OSError):
            while time.monotonic() < until:
                told += os.read(terminal, 4096).decode(errors="replace")
                if "[y/N]" in told and not answered:
                    answered = bool(os.write(terminal, b"y\n"))
                elif " of 40" in told.partition("[y/N]")[2] and not killed:
                    killed = True
                    child.terminate()
    os.close(terminal)

    assert 130 == child.returncode
    assert "Send the other 39? [y/N]" in told
    assert -1 < told.rfind(HIDDEN) < told.rfind(SHOWN)
    assert (tmp_path / "orders.confirmed.csv").exists()


@pytest.mark.parametrize("shown", [counting, watching])
@pytest.mark.parametrize("at", ["start", "stop"])
def test_ctrl_c_while_it_is_hidden(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    shown: Any,
    at: str,
) -> None:
    """Ctrl-C may come just when the cursor is hidden, or is to be shown."""
    start = Live.start

    def pressed(live: Live, **options: bool) -> None:
        if at == "start":
            start(live, **options)
        raise KeyboardInterrupt

    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(Live, at, pressed)
    with pytest.raises(KeyboardInterrupt), shown("orders.csv"):
        pass
    told = capsys.readouterr().err

    assert -1 < told.rfind(HIDDEN) < told.rfind(SHOWN)


@pytest.mark.parametrize("name", ["stdin", "stderr"])
def test_nobody_is_asked_where_nothing_is(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Without one of the streams, nobody can be asked."""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys, name, None)

    assert not can_ask()
