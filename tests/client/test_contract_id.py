"""An answer is a contract if it has an id, wherever that stands."""

from __future__ import annotations

from typing import Any

import pytest

from sesamy_async._models import Contract
from sesamy_async._wire import contract_of


def test_only_the_id_is_needed() -> None:
    """An answer with nothing but an id is a contract."""
    expected = Contract(id="c1", raw={"id": "c1"})

    assert expected == contract_of({"id": "c1"})


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"id": "a", "contractId": "b", "_id": "c"}, "a"),
        ({"contractId": "b", "_id": "c"}, "b"),
        ({"_id": "c"}, "c"),
        ({"id": "", "contractId": None, "_id": "c"}, "c"),
        ({"id": " ", "contractId": "b"}, "b"),
        ({"id": 17}, "17"),
        ({"id": 2**128}, str(2**128)),
        ({"id": 0}, "0"),
        ({"data": {"id": "a"}}, "a"),
        ({"data": {"_id": 5}}, "5"),
        ({"id": "a", "data": {"id": "b"}}, "a"),
        ({"id": True, "data": {"id": "b"}}, "b"),
        ({"id": "\ud800"}, "\ud800"),
    ],
)
def test_finds_the_id(answer: Any, expected: str) -> None:
    """The id has one of three names, outside or inside of `data`."""
    contract = contract_of(answer)

    assert contract is not None
    assert expected == contract.id
    assert contract.raw is answer


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "id",
        5,
        [],
        [{"id": "a"}],
        {},
        {"id": None},
        {"id": ""},
        {"id": True},
        {"id": 1.5},
        {"id": ["a"]},
        {"id": 10**5000},
        {"data": None},
        {"data": [{"id": "a"}]},
        {"data": {"data": {"id": "a"}}},
        {"ID": "a"},
    ],
)
def test_without_an_id_there_is_no_contract(answer: Any) -> None:
    """An answer without an id is no contract."""
    assert contract_of(answer) is None


def test_the_wrapped_contract_is_read_and_kept_whole() -> None:
    """In a `data` wrapper the fields are found, and raw is all of it."""
    answer = {"data": {"id": "a", "status": "NEW"}, "raw": 1, "meta": 2}
    contract = contract_of(answer)

    assert contract == Contract(id="a", status="NEW")
    assert contract.raw == answer
