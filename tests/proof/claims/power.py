"""Cut the power of an import where you like: none is lost or doubled."""

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
        modes = [*MODES.items()]
        if scale.brief:
            # Those that the claim on kills leaves out.
            modes = modes[1::2]
        for mode, (confirm, strays) in modes:
            job = Job(confirm=confirm.value, strays=strays)
            yield tried(mode, scale, place, job, power=True)


CLAIM = Claim(
    name="power",
    promise=(
        "The same as for a kill holds where the power goes: where of what "
        "the journal has written and not flushed yet, the end is missing, or "
        "any sector holds zeros or anything. Simulated, by changing the file "
        "of a process that was killed, on the word of SQLite that it has "
        "flushed what it has committed; that it does is seen by a test that "
        "looks at system calls. Each run here is a power cut."
    ),
    rows=_rows,
    runs=90,
    short=3,
)
