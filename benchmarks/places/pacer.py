"""What one pace in a Redis adds to an onboard, and how many requests it paces.

The Redis is one that may lose everything, as it may for a pace.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import attrs

from benchmarks.machine import Cores
from benchmarks.pairing import joined
from benchmarks.payload import Target
from benchmarks.serving import serving

from . import added, work
from .stores import CARELESS, Redis, Store


@attrs.frozen(kw_only=True)
class PacerScale:
    """How much is measured.

    Attributes:
        parts: How often clients begin anew.
        blocks: Onboards with and without the pace, in each part; the server
            says with each answer that 299 requests are left, so a pace lets
            no more than these through at once.
        memory: Processes with and without it.
        rounds: Of the throughput, for each number of processes.
        processes: How many at once.
        window: Seconds of each of them.
        lead: Seconds for all of them to connect.
    """

    parts: int
    blocks: int
    memory: int
    rounds: int
    processes: tuple[int, ...]
    window: float
    lead: float


def measured(scale: PacerScale) -> dict[str, Any]:
    """Measure a pace in a Redis, against none."""
    with (
        Redis(settings=CARELESS) as server,
        serving(Cores.choose().server, own=True) as target,
    ):
        found = {
            "none": Store(),
            "RedisPacer": Store(pace=server.url, server=server),
        }
        parts = [
            _onboards(target, found, scale.blocks) for _ in range(scale.parts)
        ]
        return {
            "onboards": {
                kind: {
                    what: joined([part[kind][what] for part in parts])
                    for what in ("took", "processor")
                }
                for kind in ("async", "blocking")
            },
            "memory": added.resident(target, found, scale.memory),
            "throughput": work.throughput(
                {"RedisPacer": found["RedisPacer"]},
                scale.processes,
                scale.rounds,
                scale.window,
                scale.lead,
            ),
        }


def _onboards(
    target: Target, found: Mapping[str, Store], blocks: int
) -> dict[str, Any]:
    return {
        "async": attrs.asdict(
            asyncio.run(added.awaited(target, found, blocks))
        ),
        "blocking": attrs.asdict(added.blocking(target, found, blocks)),
    }
