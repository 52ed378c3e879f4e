"""The header of a file is right before its rows are looked at."""

from __future__ import annotations

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, orders


def refused(folder: Folder, *header: str) -> tuple[str, ...]:
    """Return what is wrong with a header."""
    with pytest.raises(InputFileError, match="The header of") as caught:
        folder.csv(",".join(header), "A-1")
    return caught.value.problems


@pytest.mark.parametrize(
    ("header", "hint"),
    [
        ("userdata.Email", "userData.email"),
        ("email", "userData.email"),
        ("City", "userData.address.city"),
        ("userData.adress.city", "userData.address.city"),
        ("vendordata.kampanj", "vendorData.kampanj"),
        ("vendorData", "vendorData.anything"),
        ("vendorData.", "vendorData.anything"),
        ("userData.extradata.Nr", "userData.extraData.Nr"),
        ("promocode", "promoCode"),
    ],
)
def test_a_near_miss_is_hinted(folder: Folder, header: str, hint: str) -> None:
    """Who misspelt a header is told what it may have been."""
    [problem] = refused(folder, "externalOrderId", header)

    assert f"{header}: unknown; did you mean {hint}?" == problem


def test_all_wrong_headers_are_named(folder: Folder) -> None:
    """One look at a header is enough to mend it."""
    assert (
        "column 2 has no header",
        "quantity: quantity is given twice",
        "column 5 has a NUL character in its header",
        "xyz: unknown",
        "externalOrderId: no column has it",
    ) == refused(folder, "quantity", "", "quantity", "#a", "a\0b", "xyz")


def test_a_short_message_of_a_long_header(folder: Folder) -> None:
    """A file that is something else altogether does not fill the screen."""
    path = folder.write(
        ",".join(f"x{n}q" for n in range(100)) + ",promoCode\n1\n"
    )
    with pytest.raises(InputFileError, match="and 81 more") as caught:
        open_source(path)

    assert 101 == len(caught.value.problems)


def test_columns_with_a_hash_are_not_read(folder: Folder) -> None:
    """A report that was mended is imported again as it is."""
    source = folder.csv(
        "#row,#reason,externalOrderId,#row", "17,quantity: x,A-1,,"
    )

    assert [{"externalOrderId": "A-1"}] == orders(source)
    assert ("#row", "#reason", "externalOrderId", "#row") == source.header


def test_spaces_around_a_header_are_nothing(folder: Folder) -> None:
    """Spaces that nobody sees don't make another header."""
    source = folder.csv(" externalOrderId , quantity", "A-1,2")

    assert [{"externalOrderId": "A-1", "quantity": 2}] == orders(source)


@pytest.mark.parametrize("rows", [[], [","], ["", ""]])
def test_a_header_alone(folder: Folder, rows: list[str]) -> None:
    """A file without orders is a mistake."""
    with pytest.raises(InputFileError, match="a header and no orders below"):
        folder.csv("externalOrderId,quantity", *rows)


def test_no_header_at_all(folder: Folder) -> None:
    """A file of empty cells has no order id."""
    with pytest.raises(
        InputFileError, match="first row has no documented name"
    ):
        folder.csv(",,", ",,")


def test_a_first_row_that_is_an_order_is_not_told(folder: Folder) -> None:
    """Where the header is missing, nobody's name is in the message."""
    [problem] = refused(folder, "A-1", "KLARNA", "Åsa Öberg", "a@example.com")

    assert problem.startswith("its first row has no documented name, such")


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\0"])
def test_no_delimiter(folder: Folder, delimiter: str) -> None:
    """What can't stand between cells is refused."""
    with pytest.raises(InputFileError, match="delimiter must be one char"):
        folder.csv("externalOrderId", "A-1", delimiter=delimiter)
