"""A row whose order can't be read counts for the one that it seems to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async.bulk import Mistaken
from sesamy_async.bulk.check import check
from support.order_files import Folder


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """Return a folder of the test's own."""
    return Folder(tmp_path)


@pytest.mark.parametrize("row", ["A-1,1,1", "A-1", " A-1,1", "A-1\u200b,1"])
def test_csv(folder: Folder, row: str) -> None:
    """Neither it nor the row that it would double is sent."""
    source = folder.csv("externalOrderId,quantity", "A-1,1", row, "A-2,1")
    with check(source, promo_code="S") as checked:
        reasons = [f"{each.row}: {each.reason}" for each in checked.problems()]
        ids = [each.order_id for each in checked.planned()]

    assert "2: row 3 has this externalOrderId too, with other data" in reasons
    assert "3: row 2 has this externalOrderId too, with other data" in reasons
    assert ["A-1", None, "A-2"] == ids


@pytest.mark.parametrize(
    "line",
    [
        '{"externalOrderId": "47" "quantity": 1}',
        '{"externalOrderId": 47}',
        '{"externalOrderId": " 47 "}',
    ],
)
def test_json_lines(folder: Folder, line: str) -> None:
    """The same holds for a line that is no JSON, or has no text there."""
    source = folder.jsonl(line, {"externalOrderId": "47"})
    with check(source, promo_code="S") as checked:
        assert 0 == checked.valid
        assert [None, None] == [each.order_id for each in checked.planned()]


@pytest.mark.parametrize(
    "line", ['{"externalOrderId": ""}', '{"quantity": 0}', "{}"]
)
def test_nothing_there(folder: Folder, line: str) -> None:
    """Rows without any id double nothing."""
    source = folder.jsonl(line, line)
    with check(source, promo_code="S") as checked:
        assert not any("row" in each.reason for each in checked.problems())
        assert 2 == checked.invalid


def test_it_is_not_shown(folder: Folder) -> None:
    """What stands there may be a name, if the row was torn apart."""
    source = folder.csv("externalOrderId,quantity", "Astrid")
    [found] = [source.read(record) for record in source.records()]

    assert isinstance(found, Mistaken)
    assert "Astrid" == found.perhaps
    assert "Astrid" not in repr(found)
