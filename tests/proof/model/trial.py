"""Let hypothesis try so many sequences of steps."""

from __future__ import annotations

from collections import Counter

import attrs
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import Machine


_STEPS = 20


@attrs.frozen(kw_only=True)
class Tried:
    """What came of it.

    Attributes:
        broken: What was broken, and the steps that led there; or None.
        seen: What was done, counted.
    """

    broken: str | None
    seen: Counter[str]


def tried(backend: str, sequences: int, number: int) -> Tried:
    """Try sequences of at most 20 steps, until one breaks something.

    It is not made shorter, for that takes minutes: set ``phases`` for it.

    Args:
        backend: Of the event loop.
        sequences: How many.
        number: The seed.
    """
    made = type(
        Machine.__name__, (Machine,), {"backend": backend, "seen": Counter()}
    )
    one: type[Machine] = seed(number)(made)
    broken = None
    try:
        run_state_machine_as_test(
            one,
            settings=settings(
                max_examples=sequences,
                stateful_step_count=_STEPS,
                phases=[Phase.generate],
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    except AssertionError as error:
        notes: list[str] = getattr(error, "__notes__", [])
        broken = "\n".join([str(error), *notes])
    return Tried(broken=broken, seen=one.seen)
