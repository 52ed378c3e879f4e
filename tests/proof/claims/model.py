"""After any steps in any order, what was reported is in the ledger."""

from __future__ import annotations

from collections.abc import Iterator

from proof.claim import Claim, Row, Scale
from proof.model.trial import tried


def _rows(scale: Scale) -> Iterator[Row]:
    for backend in ("asyncio", "trio"):
        number = scale.chance(backend).getrandbits(32)
        found = tried(backend, scale.runs, number)
        counts = sorted(found.seen.items())
        yield Row(
            what=backend,
            runs=scale.runs,
            violations=() if found.broken is None else (found.broken,),
            figure=", ".join(f"{count:,} {what}" for what, count in counts),
        )


CLAIM = Claim(
    name="model",
    promise=(
        "After each step of a random sequence of up to 20 steps, no order is "
        "lost, none has two confirmed contracts, none has a second contract "
        "where only one create was allowed, each outcome is true, and the "
        "counts add up. The steps are creates, onboardings, confirms and "
        "imports, under faults, expired tokens, rate limits, cancellations of "
        "calls and of whole imports, and restarts of the importer and of the "
        "sandbox. In process; each run here is a sequence."
    ),
    rows=_rows,
    short=10,
)
