"""Whatever comes between whom, an order has one contract that counts."""

from __future__ import annotations

from collections.abc import Iterator

from proof.claim import Claim, Row, Scale
from proof.once.scenes import SCENES


def _rows(scale: Scale) -> Iterator[Row]:
    for what, scene in SCENES.items():
        found = scene.explored(scale.runs)
        left = scene.left._asdict().items()
        figure = ", ".join(f"{name} {count}" for name, count in left if count)
        yield Row(
            what=what,
            runs=found.states,
            violations=() if found.broken is None else (found.broken,),
            figure=f"{'all' if found.complete else 'not all'}; {figure}",
            complete=found.complete,
        )


CLAIM = Claim(
    name="once-model",
    promise=(
        "In a model that takes the real steps of the store, in every order "
        "of events in which two or three callers, the service, the store "
        "and a person can come between each other (crashes, lost answers, "
        "late requests and late writes, claims that run out, refusals, "
        "calls that are repeated): no order has two confirmed contracts; "
        "none is confirmed that the store does not hold; all calls that end "
        "well tell the same one, which is confirmed; a create that may "
        "happen only once is sent once; and when all is over, one more "
        "`onboard` ends the order, unless a careful create is in doubt. "
        'Each run here is a state, and where it says "all", there are no '
        "others; the numbers say how often what could go wrong."
    ),
    rows=_rows,
    runs=700_000,
    short=1_500,
)
