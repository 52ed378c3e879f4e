"""A journal tells how its import went over time."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import Confirm, Planned, State
from sesamy_async.bulk.journal import Journal, Span
from support.journals import TERMS, change, new_journal


@pytest.mark.parametrize(
    ("confirm", "created"), [(Confirm.SEPARATELY, 0), (Confirm.NO, 1)]
)
def test_timeline(tmp_path: Path, confirm: Confirm, created: int) -> None:
    """Ended orders are counted by time and state; the never sent are not."""
    now = iter([1_000.0, 1_005.0, 1_009.9, 1_010.0, 1_031.0, 1_032.0])
    rows = [
        Planned(row=row, order_id=f"A-{row}", reason="x" if row > 6 else None)
        for row in range(2, 9)
    ]
    terms = attrs.evolve(TERMS, confirm=confirm)
    new_journal(tmp_path / "j", terms, rows).close()
    with Journal.open(tmp_path / "j", clock=lambda: next(now)) as journal:
        journal.apply([change(row, State.INTENT) for row in range(2, 6)])
        journal.apply([change(2, State.CONFIRMED)])
        journal.apply([change(3, State.CONFIRMED)])
        journal.apply([change(4, State.REJECTED), change(6, State.REJECTED)])
        journal.apply([change(5, State.CREATED)])
        spans = journal.timeline(10)

    late = (Span(start=1_030, ended={State.CREATED: 1}),) * created

    assert (
        Span(start=1_000, ended={State.CONFIRMED: 2}),
        Span(start=1_010, ended={State.REJECTED: 2}),
        *late,
    ) == spans
