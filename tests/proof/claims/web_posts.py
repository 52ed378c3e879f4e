"""Posts to a service whose workers are killed, by clients that leave."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from proof.claim import Claim, Row, Scale
from proof.kills.served import served
from proof.memory import folder_in_memory
from proof.once.judge import doubled, untrue
from proof.posts.crowd import Crowd, unconfirmed
from support.gunicorn import Service
from support.gunicorn import served as under_gunicorn


_ROOT = Path(__file__).parents[3]
# 5 % together; two thirds of them leave a create in doubt.
_FAULTS = {
    "drop-after": 0.0125,
    "status:503+applied": 0.0125,
    "malformed": 0.0125,
    "status:503": 0.0125,
}
_BATCHES = 4  # After each of them, the memory is measured.
_GROWTH = 8.0  # MB that a worker may grow in the last three of them.


def _rows(scale: Scale) -> Iterator[Row]:
    yield _row(scale, workers=2 if scale.brief else 4, every=_every(scale))
    if not scale.brief:
        yield _row(scale, workers=1, every=None)


def _every(scale: Scale) -> float:
    """Return the seconds between two kills."""
    return 1.0 if scale.brief else 5.0


def _row(scale: Scale, *, workers: int, every: float | None) -> Row:
    what = f"{workers} worker{'s' * (workers > 1)}"
    what += f", one killed every {every:.0f} s" if every else ""
    with ExitStack() as stack:
        folder = stack.enter_context(folder_in_memory())
        chance = scale.chance(what)
        sandbox = stack.enter_context(
            served(folder / "notes", scale.seed, _FAULTS)
        )
        environment = {
            **os.environ,
            **sandbox.settings,
            "SESAMY_IDEMPOTENCY": f"sqlite://{folder}/orders.db",
            "PYTHONPATH": os.pathsep.join([str(_ROOT / "tests"), str(_ROOT)]),
        }
        service = stack.enter_context(
            under_gunicorn(
                "proof.posts.app:app",
                environment,
                folder=folder,
                count=workers,
            )
        )
        crowd = Crowd(service.url, chance)
        orders = [f"W-{number}" for number in range(scale.runs)]
        with _killing(service, every, chance) as killed:
            sizes = _posted(crowd, orders, service)
        contracts = sandbox.ledger()["orders"]
    growth = sizes[-1] - sizes[0] if every is None else 0.0
    found = (
        doubled(contracts, orders),
        untrue(contracts, crowd.said),
        unconfirmed(crowd.said, orders),
        next(iter(crowd.odd), None),
        f"grew by {growth:.1f} MB" if growth > _GROWTH else None,
    )
    posts = ", ".join(f"{n} {it}" for it, n in sorted(crowd.counts.items()))
    memory = f"; memory {sizes[0]:.0f} to {sizes[-1]:.0f} MB"
    return Row(
        what=what,
        runs=scale.runs,
        violations=tuple(filter(None, found)),
        figure=f"{posts}; {len(killed)} killed{'' if every else memory}",
    )


def _posted(crowd: Crowd, orders: list[str], service: Service) -> list[float]:
    """Post the sales, and return the memory after each batch of them."""
    sizes: list[float] = []
    for batch in range(_BATCHES):
        crowd.post(orders[batch::_BATCHES])
        sizes.append(max(map(_megabytes, service.living)))
    return sizes


def _megabytes(process: int) -> float:
    """Return the memory of a process; 0 where nobody tells."""
    try:
        pages = Path(f"/proc/{process}/statm").read_text(encoding="ascii")
    except OSError:
        return 0.0
    return int(pages.split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def _killing(
    service: Service, every: float | None, chance: random.Random
) -> Iterator[list[int]]:
    """Kill a worker from time to time."""
    over = threading.Event()
    killed: list[int] = []

    def kill() -> None:
        while every and not over.wait(every):
            if service.started(len(killed)):  # Else none might be left.
                living = [it for it in service.living if it not in killed]
                killed.append(chance.choice(living))
                service.kill(killed[-1])

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


CLAIM = Claim(
    name="web-posts",
    promise=(
        "Sales that are posted to a FastAPI service under gunicorn each get "
        "one confirmed contract, if they are posted until they are done. None "
        "is lost or doubled, and the memory of a worker does not grow. Sesamy "
        "has 5 % faults; 15 % of the clients leave before the response, and "
        "15 % post twice at once."
    ),
    rows=_rows,
    runs=2_000,
    short=30,
)
