"""An order reported with a store: one contract, despite kills."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from queue import SimpleQueue

import attrs

from proof.claim import Claim, Row, Scale, tried
from proof.kills.served import served
from proof.once.forge import Forge
from proof.once.job import Step
from proof.once.trials import Bench, forges, kill_trial


_FORGES = 3
_STEPS = (*Step, None)


def _rows(scale: Scale) -> Iterator[Row]:
    with (
        tempfile.TemporaryDirectory() as folder,
        forges(1 if scale.brief else _FORGES) as forged,
    ):
        free: SimpleQueue[Forge] = SimpleQueue()
        for each in forged:
            free.put(each)
        for once in (False, True):
            place = Path(folder, str(once))
            place.mkdir()
            with served(
                place / "notes", scale.seed, {}, confirm_once=once
            ) as sandbox:
                store = f"sqlite://{place}/orders.db"
                bench = Bench(sandbox, store, confirm_once=once)
                yield from _of(bench, free, scale)


def _of(bench: Bench, free: SimpleQueue[Forge], scale: Scale) -> Iterator[Row]:
    classes = [(mixed, step) for mixed in (False, True) for step in _STEPS]
    if scale.brief:
        # Each step once, in one of the ways.
        classes = classes[bench.confirm_once :: 2]
    for mixed, step in classes:
        yield _row(bench, free, scale, step, mixed=mixed)


def _row(
    bench: Bench,
    free: SimpleQueue[Forge],
    scale: Scale,
    step: Step | None,
    *,
    mixed: bool,
) -> Row:
    def trial(chance: random.Random) -> str | None:
        forged = free.get()
        try:
            return kill_trial(bench, forged, chance, step, mixed=mixed)
        finally:
            free.put(forged)

    who = "onboard and at-once creates" if mixed else "onboard"
    where = ", second confirms refused" if bench.confirm_once else ""
    what = f"{who}, killed {step or 'at random'}{where}"
    before = bench.kills
    row = tried(what, scale, trial, at_once=free.qsize())
    return attrs.evolve(row, figure=f"{bench.kills - before} killed")


CLAIM = Claim(
    name="once-kills",
    promise=(
        "However often a process is killed while it reports an order with a "
        "store, no order gets two contracts that give access. The next "
        "`onboard` completes the order. Only after a create that may be sent "
        "just once, or if Sesamy refuses a second confirm, may a person have "
        "to look."
    ),
    rows=_rows,
    runs=60,
    short=1,
)
