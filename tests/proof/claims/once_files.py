"""Files as people handle them: no order is sent twice."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs

from proof.claim import Claim, Row, Scale, tried
from proof.kills.served import Served, served
from proof.kills.shell import PROMO, End, command


_MANY = 12
_MORE = 5
_MOST_RUNS = 8
_LIFE = (0.4, 1.0)  # Seconds: an import of so few orders takes about 0.8.
_JOURNAL = "orders.csv.journal"
_HEADER = "externalOrderId,paymentProvider,paymentMethod,userData.email"
_DONE, _LATER, _LOOK = 0, 1, 4


@attrs.frozen
class _Desk:
    """Somebody's folder, with an export in it.

    Attributes:
        folder: The folder.
        sandbox: Where the orders go.
        name: How their ids begin.
    """

    folder: Path
    sandbox: Served
    name: str

    def export(self, file: str, many: int) -> str:
        """Write the first orders into a file."""
        rows = [
            f"{self.name}-{number},KLARNA,CARD,{number}@example.com"
            for number in range(many)
        ]
        text = "\n".join([_HEADER, *rows, ""])
        (self.folder / file).write_text(text, encoding="utf-8")
        return file

    def give(self, file: str, *more: str, end: End | None = None) -> Any:
        """Import a file; return the exit code, and what was printed."""
        given = ("import", file, *PROMO, "--json", *more)
        return command(self.folder, self.sandbox.settings, given, end)


def _cumulative(desk: _Desk) -> str:
    return desk.export("tuesday.csv", _MANY + _MORE)


def _renamed(desk: _Desk) -> str:
    (desk.folder / "orders.csv").rename(desk.folder / "sales.csv")
    return "sales.csv"


def _copied(desk: _Desk) -> str:
    shutil.copy(desk.folder / "orders.csv", desk.folder / "orders (1).csv")
    return "orders (1).csv"


def _moved(desk: _Desk) -> str:
    (desk.folder / "archive").mkdir()
    (desk.folder / "orders.csv").rename(desk.folder / "archive/orders.csv")
    return "archive/orders.csv"


def _saved_anew(desk: _Desk) -> str:
    text = (desk.folder / "orders.csv").read_text("utf-8").replace(",", ";")
    (desk.folder / "orders.csv").unlink()
    (desk.folder / "export.csv").write_text(
        text, encoding="utf-8-sig", newline="\r\n"
    )
    return "export.csv"


def _journal_lost(desk: _Desk) -> str:
    for each in desk.folder.glob(f"{_JOURNAL}*"):
        each.unlink()
    return "orders.csv"


def _wal_lost(desk: _Desk) -> str:
    """Move file and journal, and forget what SQLite keeps beside it."""
    (desk.folder / "archive").mkdir()
    for each in ("orders.csv", _JOURNAL):
        if (desk.folder / each).exists():
            (desk.folder / each).rename(desk.folder / "archive" / each)
    recover = ("journal", "recover", "archive/orders.csv", "--yes")
    command(desk.folder, desk.sandbox.settings, recover)
    return "archive/orders.csv"


_MISCHIEF: dict[str, Callable[[_Desk], str]] = {
    "the next export has the same orders in it": _cumulative,
    "renamed": _renamed,
    "copied": _copied,
    "moved, without its journal": _moved,
    "saved anew by a spreadsheet": _saved_anew,
    "its journal lost": _journal_lost,
    "moved with its journal, the WAL left behind": _wal_lost,
}


def _trial(
    sandbox: Served, mischief: Callable[[_Desk], str], chance: random.Random
) -> str | None:
    name = f"f{chance.getrandbits(40):x}"
    with tempfile.TemporaryDirectory() as folder:
        desk = _Desk(Path(folder), sandbox, name)
        file = desk.export("orders.csv", _MANY)
        desk.give(file, end=End(after=chance.uniform(*_LIFE)))
        file = mischief(desk)
        many = _MANY + _MORE if mischief is _cumulative else _MANY
        sent = _confirmed(sandbox, name)
        tried_out = desk.give(file, "--dry-run")
        for _ in range(_MOST_RUNS):
            ran = desk.give(file)
            if ran.code not in {_LATER, _LOOK}:
                break
            if ran.code == _LOOK:
                # The claim of the run that was killed: it runs out.
                continue
    doubled = _doubled(sandbox, name)
    if doubled is not None:
        return doubled
    if mischief is _wal_lost and ran.code == _LOOK:
        # What was never sent is in doubt, too: the journal can't tell.
        return None
    if ran.code != _DONE:
        return f"ended with {ran.code}: {ran.err or ran.out}"
    if (now := _confirmed(sandbox, name)) != many:
        return f"{now} of {many} orders are confirmed"
    return _untold(tried_out, sent)


def _untold(ran: Any, sent: int) -> str | None:
    """Return what the dry run does not say, if it should."""
    told = json.loads(ran.out or ran.err)
    # Those that were cut off between their confirm and the store are created.
    known = told.get("already", 0) + told.get("begun", 0)
    if "already" in told and known < sent:
        return f"{sent} were confirmed, and the dry run says {known}"
    return None


def _orders(sandbox: Served, name: str) -> dict[str, Any]:
    found = sandbox.ledger()["orders"]
    return {each: found[each] for each in found if each.startswith(name)}


def _confirmed(sandbox: Served, name: str) -> int:
    return sum(
        any(it["confirmed"] for it in made)
        for made in _orders(sandbox, name).values()
    )


def _doubled(sandbox: Served, name: str) -> str | None:
    for order, made in _orders(sandbox, name).items():
        if sum(it["confirmed"] for it in made) > 1:
            return f"{order} has two confirmed contracts"
    return None


def _rows(scale: Scale) -> Iterator[Row]:
    with (
        tempfile.TemporaryDirectory() as folder,
        served(Path(folder, "notes"), scale.seed, {}) as sandbox,
    ):
        names = [*_MISCHIEF]
        for what in names[:: len(names) // 2] if scale.brief else names:

            def trial(
                chance: random.Random,
                mischief: Callable[[_Desk], str] = _MISCHIEF[what],
            ) -> str | None:
                return _trial(sandbox, mischief, chance)

            yield tried(f"killed, then {what}", scale, trial)


CLAIM = Claim(
    name="once-files",
    promise=(
        "If an import is killed, and its file or journal is then renamed, "
        "copied, moved, exported again or lost, no order is sent twice: the "
        "store of orders knows them, and the dry run says so."
    ),
    rows=_rows,
    runs=6,
    short=1,
)
