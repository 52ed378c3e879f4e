"""The command may be ended at any moment and repeated."""

from __future__ import annotations

import random
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path

import attrs

from proof.claim import Claim, Row, Scale
from proof.kills.served import Served, served
from proof.kills.shell import End, Shell
from proof.kills.siege import Outcome, Siege
from proof.memory import folder_in_memory
from sesamy_async.bulk import Confirm


_ENDS = 5
"""How often a command is ended."""

_SLOW = {"delay:0.05@create": 1.0, "delay:0.05@confirm": 1.0}
_WIRES = (
    "tempfile.mkstemp orders.csv.journal 1",  # before the journal is begun
    "os.link orders.csv.journal 1",  # before it is in its place
    "os.remove orders.csv.journal 1",  # when it is there
    "socket.connect 127.0.0.1 1",  # before the token
    "socket.connect 127.0.0.1 2",  # before the first create
    "socket.connect 127.0.0.1 4",  # among the first ones
    "tempfile.mkstemp .orders. 1",  # before the first report
    "tempfile.mkstemp .orders. 2",  # between the reports
    "os.rename .orders. 1",  # before the first one is in its place
    "os.rename .orders. 2",  # when it is, and the next is not
    "tempfile.mkstemp .page. 1",  # before the page
    "os.rename .page. 1",  # before it is in its place
)

Draw = Callable[[random.Random, float], Iterator[End]]


def _signal(number: signal.Signals) -> Draw:
    def ends(chance: random.Random, life: float) -> Iterator[End]:
        while True:
            yield End(number=number, after=chance.random() * life)

    return ends


def _wires(chance: random.Random, life: float) -> Iterator[End]:
    del life
    while True:
        # Each as often as the others.
        yield from map(End.at, chance.sample(_WIRES, len(_WIRES)))


_CLASSES: dict[str, Draw] = {
    "SIGKILL at any moment": _signal(signal.SIGKILL),
    "SIGKILL at a named moment": _wires,
    "SIGTERM at any moment": _signal(signal.SIGTERM),
    "SIGINT at any moment": _signal(signal.SIGINT),
}


@attrs.frozen
class _Street:
    """Where commands are given.

    Attributes:
        folder: For their files.
        sandbox: Where their orders go.
    """

    folder: Path
    sandbox: Served

    def shell(self, confirm: Confirm) -> Shell:
        """Return somebody with a folder of their own."""
        return Shell(
            folder=Path(tempfile.mkdtemp(dir=self.folder)),
            settings=self.sandbox.settings,
            confirm=confirm,
        )


def _rows(scale: Scale) -> Iterator[Row]:
    with ExitStack() as stack:
        folder = stack.enter_context(folder_in_memory())
        sandbox = stack.enter_context(
            served(folder / "notes", scale.seed, _SLOW)
        )
        street = _Street(folder, sandbox)
        first = street.shell(Confirm.SEPARATELY)
        first.write_orders("life")
        life = first.life()
        for what, draw in _CLASSES.items():
            yield _row(what, scale, street, draw(scale.chance(what), life))


def _row(what: str, scale: Scale, street: _Street, ends: Iterator[End]) -> Row:
    outcomes: list[Outcome] = []
    ended = 0
    while ended < scale.runs and len(outcomes) < scale.runs:
        number = len(outcomes)
        confirm = (Confirm.SEPARATELY, Confirm.AT_ONCE)[number % 2]
        siege = Siege(
            f"{scale.seed}.{number}", street.shell(confirm), street.sandbox
        )
        plan = islice(ends, min(_ENDS, scale.runs - ended))
        outcomes.append(siege.carry_out(plan))
        ended += outcomes[-1].codes.total()
    return Row(
        what=what,
        runs=ended,
        violations=tuple(
            each for outcome in outcomes for each in outcome.violations
        ),
        figure=_figure(outcomes),
    )


def _figure(outcomes: list[Outcome]) -> str:
    codes = sum((each.codes for each in outcomes), Counter[int]())
    ended = ", ".join(f"{n} x {code}" for code, n in sorted(codes.items()))
    return (
        f"{len(outcomes)} imports; exit codes {ended}; "
        f"{sum(each.strays for each in outcomes)} strays; "
        f"{sum(each.unknown for each in outcomes)} unknown"
    )


CLAIM = Claim(
    name="command",
    promise=(
        "The command `sesamy import`, ended by a signal at any moment or at a "
        "named one and repeated until it completes, loses no order and "
        "doubles none, by the ledger of a sandbox in another process. After "
        "each run, every report and the page are complete, as that run or the "
        "one before wrote them. SIGINT and SIGTERM leave no order in doubt, "
        "and the command says what was sent. In the end the exit code, the "
        "output and the reports agree with the journal, and no other file is "
        "left over. Each run here is a command that is ended."
    ),
    rows=_rows,
    runs=60,
    short=1,
)
