"""How much is measured."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class Scale:
    """How much is measured.

    Attributes:
        name: For the results.
        seed: Of the orders of the blocks.
        processes: Fresh processes for each comparison, since each has its
            own luck with memory and hashes.
        blocks: In each process.
        calls: Of each contestant in each block.
        warm_calls: Of each contestant before the first block.
        rounds: Of throughput, each in a fresh process.
        levels: How many calls at once.
        warm: Seconds of a throughput run that do not count.
        window: Seconds of a throughput run that count.
        threads: How many share a blocking client.
        thread_blocks: In each process.
        thread_calls: Of each thread in each block.
        imports: How often each import is measured.
        firsts: How often each first call is measured.
        cancellations: How many there have to be.
        cancel_seconds: How long they may take for each contestant.
        after_seconds: How long each call after them may take.
        patience: Seconds that one process may take.
        few: Whether some of the peers are left out where all of them were
            measured one call at a time already.
    """

    name: str
    seed: int = 20260917
    processes: int
    blocks: int
    calls: int
    warm_calls: int
    rounds: int
    levels: tuple[int, ...] = (10, 100, 500)
    warm: float
    window: float
    threads: int = 8
    thread_blocks: int
    thread_calls: int
    imports: int
    firsts: int
    cancellations: int
    cancel_seconds: float
    after_seconds: float
    patience: float
    few: bool = False


FULL = Scale(
    name="full",
    processes=3,
    blocks=20,
    calls=40,
    warm_calls=100,
    rounds=5,
    warm=0.5,
    window=1.5,
    thread_blocks=10,
    thread_calls=25,
    imports=25,
    firsts=15,
    cancellations=20_000,
    cancel_seconds=30.0,
    after_seconds=8.0,
    patience=240.0,
)

SHORT = Scale(
    name="short",
    processes=1,
    blocks=3,
    calls=3,
    warm_calls=2,
    rounds=1,
    warm=0.03,
    window=0.1,
    thread_blocks=2,
    thread_calls=2,
    imports=1,
    firsts=1,
    cancellations=100,
    cancel_seconds=1.0,
    after_seconds=4.0,
    patience=120.0,
    few=True,
)
