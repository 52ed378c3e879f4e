"""The model finds what is broken on purpose."""

from __future__ import annotations

import pytest

from proof.kills import planted as in_imports
from proof.model import planted as in_calls
from proof.model.trial import tried


_PLANT = {**in_imports.PLANT, **in_calls.PLANT}
_SEQUENCES = 150


# With these seeds it takes few sequences.
@pytest.mark.parametrize(
    ("bug", "seed"),
    [
        ("the intent is written after sending", 3),
        ("what was cut off is taken for fresh", 3),
        ("what was cut off is dropped", 3),
        ("what was created is taken for confirmed", 3),
        ("what is unknown is sent again", 3),
        ("what was lost is not counted", 6),
    ],
)
def test_what_is_broken_is_found(bug: str, seed: int) -> None:
    """Random steps lead to it, and the ledger tells."""
    with _PLANT[bug]():
        broken = tried("asyncio", _SEQUENCES, seed).broken

    assert broken is not None
