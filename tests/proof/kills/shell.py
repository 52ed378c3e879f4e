"""The command, as somebody gives it in a folder of theirs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import attrs

from sesamy_async.bulk import Confirm


ORDERS = 30
"""Rows that can be sent; one more, the last, can't."""

PROMO = ("--promo", "SPRING-12")
CONCURRENCY = 4
PATIENCE = 60.0
"""Seconds after which a run has hung."""

_COMMAND = Path(sys.executable).with_name("sesamy")
_TRIPWIRE = Path(__file__).with_name("tripwire")
_HEADER = (
    "externalOrderId,paymentProvider,paymentMethod,quantity,userData.email\n"
)


@attrs.frozen(kw_only=True)
class End:
    """How a run is ended before its time.

    Attributes:
        number: By which signal.
        after: Seconds until it is sent.
        wire: Where it kills itself instead, as `tripwire` is told it.
    """

    number: signal.Signals = signal.SIGKILL
    after: float = PATIENCE
    wire: str | None = None

    @classmethod
    def at(cls, wire: str) -> End:
        """Return a kill at a named moment."""
        return cls(wire=wire)

    def __str__(self) -> str:
        where = self.wire or f"after {self.after:.3f} s"
        return f"{self.number.name} {where}"


@attrs.frozen
class Ran:
    """What a run left behind.

    Attributes:
        code: Its exit code; that of a signal is negative.
        out: What it has written to stdout.
        err: What it has written to stderr.
    """

    code: int
    out: str
    err: str


@attrs.frozen(kw_only=True)
class Shell:
    """Somebody with a file of orders.

    Attributes:
        folder: Where it is.
        settings: The SESAMY_* variables that lead to a sandbox.
        confirm: When contracts are confirmed.
    """

    folder: Path
    settings: Mapping[str, str]
    confirm: Confirm

    @property
    def journal(self) -> Path:
        """What was sent."""
        return self.folder / "orders.csv.journal"

    def write_orders(self, name: str) -> None:
        """Write the file, with ids that begin with a name."""
        rows = [
            f"{name}-{number},KLARNA,CARD,1,{number}@example.com\n"
            for number in range(ORDERS)
        ]
        wrong = f"{name}-{ORDERS},KLARNA,CARD,1,nowhere\n"
        text = "".join([_HEADER, *rows, wrong])
        (self.folder / "orders.csv").write_text(text, encoding="utf-8")

    def run(self, end: End | None = None) -> Ran:
        """Give the command, always the same one, and wait for its end."""
        given = (
            *("import", "orders.csv", *PROMO),
            *("--skip-invalid", "--report", "page.html", "--json"),
            *("--confirm", self.confirm.value),
            *("--concurrency", str(CONCURRENCY)),
        )
        return command(self.folder, self.settings, given, end)

    def life(self) -> float:
        """Return how long a whole run takes."""
        began = time.monotonic()
        self.run()
        return time.monotonic() - began


def command(
    folder: Path,
    settings: Mapping[str, str],
    given: Sequence[str],
    end: End | None = None,
) -> Ran:
    """Give a command in a folder, which is its user's home, too."""
    planned = end or End()
    with subprocess.Popen(  # noqa: S603 - our own words
        [_COMMAND, *given],
        cwd=folder,
        env=_environment(folder, settings, planned),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ) as process:
        try:
            out, err = process.communicate(timeout=planned.after)
        except subprocess.TimeoutExpired:
            process.send_signal(planned.number)
            out, err = _rest_of(process)
    return Ran(process.returncode, out, err)


def _environment(
    folder: Path, settings: Mapping[str, str], end: End
) -> dict[str, str]:
    mine = {
        **{k: v for k, v in os.environ.items() if k in {"PATH", "LANG"}},
        **settings,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "XDG_STATE_HOME": str(folder / "state"),
    }
    if end.wire is None:
        return mine
    return {**mine, "PYTHONPATH": str(_TRIPWIRE), "TRIPWIRE": end.wire}


def _rest_of(process: subprocess.Popen[str]) -> tuple[str, str]:
    try:
        return process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()
