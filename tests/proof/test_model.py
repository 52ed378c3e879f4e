"""The model finds what is broken on purpose."""

from __future__ import annotations

import pytest

from proof.kills import planted as in_imports
from proof.model import planted as in_calls
from proof.model.trial import tried


_PLANT = {**in_imports.PLANT, **in_calls.PLANT}
_SEQUENCES = 150
_SEED = 3


@pytest.mark.parametrize(
    "bug",
    [
        "the intent is written after sending",
        "what was cut off is taken for fresh",
        "what was cut off is dropped",
        "what was created is taken for confirmed",
        "what is unknown is sent again",
        "what was lost is not counted",
    ],
)
def test_what_is_broken_is_found(bug: str) -> None:
    """Random steps lead to it, and the ledger tells."""
    with _PLANT[bug]():
        broken = tried("asyncio", _SEQUENCES, _SEED).broken

    assert broken is not None
