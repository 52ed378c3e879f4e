"""Orders paid by invoice, whose responses are lost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from proof.claim import Claim, Row, Scale
from proof.kills.served import served
from proof.once.forge import Forge, forge
from proof.once.job import Worker
from proof.once.trials import LASTS, WORLDS, Bench


_FAULTS = {
    "drop-after@create": 0.3,
    "drop-before@create": 0.1,
    "half@create": 0.1,
    "status:503+applied@create": 0.1,
}
_METHOD = "INVOICE"


def _rows(scale: Scale) -> Iterator[Row]:
    with (
        tempfile.TemporaryDirectory() as folder,
        forge() as forged,
        served(Path(folder, "notes"), scale.seed, _FAULTS) as sandbox,
    ):
        for store in (f"sqlite://{folder}/orders.db", "memory:"):
            bench = Bench(sandbox, store)
            for world in WORLDS:
                yield _row(bench, forged, world, scale)


def _row(bench: Bench, forged: Forge, world: str, scale: Scale) -> Row:
    kept = bench.store != "memory:"
    orders = bench.orders(scale.runs, f"{world}-{kept}")
    ran = bench.run(
        forged,
        Worker(world=world, orders=orders, at_once=10),
        method=_METHOD,
        lasts=LASTS,
    )
    # Where the store is kept, another process tells all of them again.
    again = bench.run(
        forged,
        *[Worker(world=world, orders=orders, at_once=10)] * kept,
        method=_METHOD,
        lasts=LASTS,
    )
    contracts = bench.served.ledger()["orders"]
    twice = [each for each in orders if len(contracts.get(each, ())) > 1]
    doubt = sum(each.outcome == "UNKNOWN" for each in ran.said)
    problems = [f"{each} was created twice" for each in twice]
    problems += filter(None, [ran.broken, again.broken])
    problems += [
        f"it may be onboarded again: {each}"
        for each in ran.said
        if each.outcome == "UNKNOWN" and each.retryable and kept
        if each.contract is None
    ]
    where = "repeated with SQLite" if kept else "in one process"
    return Row(
        what=f"{world}: responses to creates lost, {where}",
        runs=len(orders),
        violations=tuple(problems),
        figure=f"{doubt} in doubt",
    )


CLAIM = Claim(
    name="once-invoices",
    promise=(
        "An order that is paid by invoice is never created twice, since its "
        "unconfirmed contract may already have an invoice. If a response is "
        "lost, a person has to look."
    ),
    rows=_rows,
    runs=500,
    short=10,
)
