"""What is claimed is what the journal has, as the file says it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async.bulk import Confirm, InputFileError, State
from sesamy_async.bulk._steps import claims
from support.import_world import World
from support.journals import bring
from support.sources import Listed, listed


@pytest.mark.parametrize(
    ("confirm", "claimed"),
    [
        (Confirm.SEPARATELY, [("A-2", False), ("A-4", True)]),
        (Confirm.AT_ONCE, [("A-2", False), ("A-4", True)]),
        (Confirm.NO, [("A-2", False)]),
    ],
)
def test_what_is_claimed(
    tmp_path: Path, confirm: Confirm, claimed: list[tuple[str, bool]]
) -> None:
    """What is to be created is claimed, and what may have been confirmed."""
    world = World(folder=tmp_path, source=listed(6), confirm=confirm)
    with world.journal() as journal:
        for row, state in enumerate(State, start=2):
            bring(journal, row, state)
        found = [*claims(world.source, journal)]

    assert claimed == [(each.entry.order_id, each.asked) for each in found]
    assert [order_id for order_id, _ in claimed] == [
        each.sale.order.external_order_id for each in found
    ]


@pytest.mark.parametrize("ids", [("A-2", "X"), ("A-2", ""), ("A-2",)])
def test_another_order(tmp_path: Path, ids: tuple[str, ...]) -> None:
    """A row that is not what was checked is named, with what to do."""
    world = World(folder=tmp_path, source=listed(2))
    with world.journal() as journal:
        with pytest.raises(InputFileError) as raised:
            [*claims(Listed(ids), journal)]

    assert raised.value.args[0] == (
        "orders.csv changed while it was imported: row 3 is not what it "
        "was. Restore it, and give the same command again."
    )
