"""A set of rows holds those that were put in, in little memory."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async.bulk.journal import Rows


@given(st.sets(st.integers(0, 99)))
def test_rows(put: set[int]) -> None:
    """It holds what was put in, and nothing else."""
    rows = Rows()
    for row in put:
        rows.add(row)

    assert put == {row for row in range(120) if row in rows}


@pytest.mark.parametrize(
    ("put", "size"), [([7], 1), ([8], 2), ([79, 3], 10), ([3, 79, 80], 11)]
)
def test_memory(put: list[int], size: int) -> None:
    """It takes a bit for each row up to the last one."""
    rows = Rows()
    for row in put:
        rows.add(row)

    assert size == len(rows.bits)
