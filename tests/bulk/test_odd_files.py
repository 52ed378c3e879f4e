"""Files as people have them are read to the right orders, or not at all."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async.bulk import InputFileError, Sale
from sesamy_async.bulk.check import RemarkCount, check
from sesamy_async.bulk.reading import open_source
from support.odd_files import ODD_FILES, TRIED, OddFile, flat, table


_PERSONAL = ("ylva", "bjørn", "lovas@", "makela", "göteborg", "46313")
PAGE = Path(__file__).parents[2] / "docs" / "files-we-tried.md"
every = pytest.mark.parametrize(
    "odd", [pytest.param(each, id=each.name) for each in ODD_FILES]
)


@attrs.frozen
class Seen:
    """What came of a file."""

    orders: tuple[Mapping[str, Any], ...] = ()
    cleaned: Mapping[Any, str] = attrs.field(factory=dict[Any, str])
    warned: Mapping[Any, str] = attrs.field(factory=dict[Any, str])
    wrong: Mapping[Any, str] = attrs.field(factory=dict[Any, str])
    refused: str = ""


def told(findings: Iterable[RemarkCount]) -> dict[Any, str]:
    """Return what is said of each column."""
    said: dict[Any, str] = {}
    for each in findings:
        said[each.column] = f"{said.get(each.column, '')}{each.remark.text}; "
    return said


def look(path: Path, options: Mapping[str, Any]) -> Seen:
    """Read a file, and check it."""
    try:
        source = open_source(path, **options)
        with check(source, promo_code="SPRING-12") as checked:
            wrong = {
                (each.row, each.column): each.reason
                for each in checked.problems()
            }
            rows = {row for row, _ in wrong}
            read = [
                source.read(record)
                for record in source.records()
                if record.number not in rows
            ]
            return Seen(
                tuple(
                    flat(each.order.to_dict())
                    for each in read
                    if isinstance(each, Sale)
                ),
                told(checked.cleaned),
                told(checked.warnings),
                wrong,
            )
    except InputFileError as error:
        return Seen(refused=str(error))


def unlike(
    expected: Mapping[Any, str], seen: Mapping[Any, str]
) -> dict[Any, tuple[str, str]]:
    """Return what was expected but not said, and the other way round.

    What is said of the whole file may be said besides.
    """
    places = {*expected, *(place for place in seen if place != "")}
    pairs = {
        each: (expected.get(each, ""), seen.get(each, "")) for each in places
    }
    return {
        place: (words, said)
        for place, (words, said) in pairs.items()
        if not (words and said and re.search(words, said, re.IGNORECASE))
    }


def personal(seen: Seen) -> list[str]:
    """Return what is said of anybody, but should not be."""
    said = f"{seen.refused}{seen.wrong}{seen.cleaned}{seen.warned}".lower()
    return [word for word in _PERSONAL if word in said]


@every
def test_what_comes_of_it(odd: OddFile, tmp_path: Path) -> None:
    """All its orders are right, all else is told, and none is wrong."""
    seen = look(*odd.write(tmp_path))
    expected = odd.outcome
    missing = [it for it in expected.refused if it not in seen.refused]

    assert bool(expected.refused) == bool(seen.refused), seen.refused
    assert [] == missing, seen.refused
    assert [*expected.orders] == [*seen.orders]
    assert {} == unlike(expected.wrong, seen.wrong)
    assert {} == unlike(expected.cleaned, seen.cleaned)
    assert {} == unlike(expected.warned, seen.warned)
    assert [] == personal(seen)


def test_half_of_them_are_of_others() -> None:
    """There are enough of them, each once, and half are public reports."""
    names = Counter(each.name for each in ODD_FILES)
    public = [each for each in ODD_FILES if each.source != TRIED]

    assert 66 <= len(ODD_FILES) <= 2 * len(public)
    assert {1} == {*names.values()}
    assert all(each.source.startswith("https://") for each in public)


def test_the_page() -> None:
    """The page that lists them has exactly these."""
    text = PAGE.read_text(encoding="utf-8")

    assert table() == text[text.index("| file |") :]
