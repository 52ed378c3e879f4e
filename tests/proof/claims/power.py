"""An import may lose power at any moment: no order is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

from proof.claim import Claim, Row, Scale
from proof.kills.job import Job
from proof.kills.served import served
from proof.kills.tries import MODES, Place, tried
from proof.kills.zygote import zygote
from proof.memory import folder_in_memory


def _rows(scale: Scale) -> Iterator[Row]:
    with ExitStack() as stack:
        folder = stack.enter_context(folder_in_memory())
        runner = stack.enter_context(zygote())
        sandbox = stack.enter_context(served(folder / "notes", scale.seed, {}))
        place = Place(folder=folder, zygote=runner, sandbox=sandbox)
        for mode, (confirm, strays) in MODES.items():
            job = Job(confirm=confirm.value, strays=strays)
            yield tried(mode, scale, place, job, power=True)


CLAIM = Claim(
    name="power",
    promise=(
        "What holds for kills holds for power cuts too, where the end of what "
        "the journal has written and not yet flushed is missing, or any of "
        "its sectors contains zeros or anything else. The power cuts are "
        "simulated: the file of a killed process is changed, on the "
        "assumption that SQLite has flushed what it has committed; another "
        "test checks that by system calls. Each run here is a power cut."
    ),
    rows=_rows,
    runs=90,
    short=3,
)
