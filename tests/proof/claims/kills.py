"""An import may be killed at any moment: no order is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from proof.claim import Claim, Row, Scale
from proof.kills.job import Job
from proof.kills.served import served
from proof.kills.tries import MODES, Place, tried
from proof.kills.zygote import zygote
from proof.memory import folder_in_memory


_FAULTS = {
    "drop-before": 0.03,
    "drop-after": 0.03,
    "half": 0.03,
    "malformed": 0.02,
    "status:503": 0.03,
    "status:503+applied": 0.03,
    "delay:0.02": 0.05,
    "wait:0": 0.03,
    "status:401": 0.03,
}


def _rows(scale: Scale) -> Iterator[Row]:
    with ExitStack() as stack:
        folder = stack.enter_context(folder_in_memory())
        runner = stack.enter_context(zygote())
        for faults in ({}, _FAULTS):
            notes = folder / f"notes-{len(faults)}"
            sandbox = stack.enter_context(served(notes, scale.seed, faults))
            place = Place(folder=folder, zygote=runner, sandbox=sandbox)
            modes = [*MODES.items()]
            if scale.brief:
                # Each mode once: half of them with faults.
                modes = modes[bool(faults) :: 2]
            for mode, (confirm, strays) in modes:
                what = f"{mode}, with faults" if faults else mode
                job = Job(confirm=confirm.value, strays=strays)
                yield tried(what, scale, place, job)


CLAIM = Claim(
    name="kills",
    promise=(
        "An import that is killed with SIGKILL, at any moment or at a named "
        "one, and started again until it completes, loses no order and "
        "doubles none. With `separately`, each order has exactly one "
        "confirmed contract and none is unknown; with `at-once`, none has "
        "two. There are no more strays or unknown orders than creates that "
        "may have been under way at the kills or were left in doubt by "
        "faults. Real processes, sockets and files; each run here is a kill."
    ),
    rows=_rows,
    runs=375,
    short=2,
)
