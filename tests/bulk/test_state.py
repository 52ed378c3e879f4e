"""The ways between the states are the ones that keep orders safe."""

from __future__ import annotations

from sesamy_async.bulk import State
from sesamy_async.bulk._states import MOVES


# From each state on the left, to those marked above.
TABLE = """
           PENDING INTENT CREATED CONFIRMED REJECTED UNKNOWN
PENDING    yes     yes    -       -         yes      -
INTENT     yes     yes    yes     yes       yes      yes
CREATED    -       -      yes     yes       yes      yes
CONFIRMED  -       -      -       -         -        -
REJECTED   -       -      -       -         -        -
UNKNOWN    yes     -      yes     yes       -        -
"""


def test_moves() -> None:
    """An order goes only as the table says."""
    above, *lines = (line.split() for line in TABLE.strip().splitlines())
    table = {
        State(before): {
            State(after)
            for after, mark in zip(above, marks, strict=True)
            if mark == "yes"
        }
        for before, *marks in lines
    }

    assert table == MOVES
