"""In any order of events, an order has one confirmed contract."""

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
        "A model takes the real steps of the store, in every order of events "
        "in which two or three callers, the service, the store and a person "
        "can interleave: crashes, lost responses, late requests, late writes, "
        "claims that expire, refusals, repeated calls. No order has two "
        "confirmed contracts, and none has a confirmed contract that the "
        "store does not know. All calls that succeed return the same "
        "contract, which is confirmed. A careful create, which may be sent "
        "only once, is sent only once. In the end, one more `onboard` "
        "completes the order, unless a careful create is in doubt. Each run "
        'here is a state; "all" means that there are no others, and the '
        "numbers say how often each fault could happen."
    ),
    rows=_rows,
    runs=700_000,
    short=1_500,
)
