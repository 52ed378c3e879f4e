"""The row of the header is found, and names match as people write them."""

from __future__ import annotations

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.check import check
from support.order_files import Folder, orders, wrong


ABOVE = "the header is in this row; the rows above it are not read"
SECOND = "the row below the header is a second header; it is not read"


def refused(folder: Folder, *header: str) -> tuple[str, ...]:
    """Return the problems of a header."""
    with pytest.raises(InputFileError, match="The header of") as caught:
        folder.csv(",".join(header), "A-1")
    return caught.value.problems


def test_misspelt_headers(folder: Folder) -> None:
    """The error for a misspelt header says what it may have been."""
    hints = {
        "email": "userData.email",
        "City": "userData.address.city",
        "userData.adress.city": "userData.address.city",
        "vendorData": "vendorData.anything",
        "vendorData.": "vendorData.anything",
    }

    assert refused(folder, "externalOrderId", *hints) == tuple(
        f"{header}: unknown; did you mean {hint}?"
        for header, hint in hints.items()
    )


def test_wrong_headers(folder: Folder) -> None:
    """All problems of a header are named at once."""
    assert (
        "column 2 (B) has no header",
        "quantity: quantity is given twice",
        "column 5 has a NUL character in its header",
        "xyz: unknown",
        "externalOrderId: no column has it",
    ) == refused(folder, "quantity", "", "quantity", "#a", "a\0b", "xyz")


def test_two_spellings_of_a_header(folder: Folder) -> None:
    """Two columns of one name are named both."""
    problem = "QUANTITY: quantity is given twice, see quantity"

    assert (problem,) == refused(
        folder, "externalOrderId", "quantity", "QUANTITY"
    )


def test_long_wrong_header(folder: Folder) -> None:
    """The message shows twenty problems, the error has all."""
    header = ",".join(f"x{n}q" for n in range(100)) + ",promoCode"
    with pytest.raises(InputFileError, match="and 81 more") as caught:
        folder.csv(header, "1")

    assert 101 == len(caught.value.problems)
    assert "column 28 (AB): its header is unknown" == caught.value.problems[27]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            ["A-1,KLARNA,Åsa Öberg,a@example.com"],
            "row 1 looks like an order: is the header missing?",
        ),
        (["kim,berg,oslo"], "no row has the names of columns, such as"),
        ([",,", ",,"], "no row has the names of columns, such as"),
    ],
)
def test_without_a_header(folder: Folder, rows: list[str], said: str) -> None:
    """If the header is missing, the message says so, and holds no cell."""
    with pytest.raises(InputFileError) as caught:
        folder.csv(*rows)

    assert said in str(caught.value)
    assert not caught.value.problems
    assert not any(word in str(caught.value) for word in ("Öberg", "kim"))


@pytest.mark.parametrize(
    "header",
    [
        "EXTERNALORDERID,Quantity,USERDATA.EMAIL",
        "External Order-ID, quantity\u00a0,userdata.e-mail",
        "external_order_id,QUANTITY,userData.Email",
    ],
)
def test_names_in_any_case(folder: Folder, header: str) -> None:
    """Names match whatever their case, spaces and hyphens are."""
    source = folder.csv(header, "A-1,2,a@example.com")

    assert [
        {
            "externalOrderId": "A-1",
            "quantity": 2,
            "userData": {"email": "a@example.com"},
        }
    ] == orders(source)


def test_own_names_are_kept(folder: Folder) -> None:
    """Only the beginning of a name of the customer's own is matched so."""
    source = folder.csv(
        "externalOrderId,vendordata.Min kampanj,USERDATA.EXTRADATA.a-B",
        "A-1,x,y",
    )

    assert [
        {
            "externalOrderId": "A-1",
            "vendorData": {"Min kampanj": "x"},
            "userData": {"extraData": {"a-B": "y"}},
        }
    ] == orders(source)


@pytest.mark.parametrize(
    ("rows", "notes"),
    [
        (
            [
                "Försäljning, vecka 38",
                "",
                "externalOrderId,quantity",
                "A-1,1",
            ],
            [(3, ABOVE)],
        ),
        (
            ["T", '"Vecka "38" x"', "externalOrderId,quantity", "A-1,1"],
            [(3, ABOVE)],
        ),
        (
            ["externalOrderId,quantity", "Ordernr,Antal", "A-1,1"],
            [(2, SECOND)],
        ),
    ],
)
def test_rows_around_the_header(
    folder: Folder, rows: list[str], notes: list[tuple[int, str]]
) -> None:
    """Titles above it and a second header below it are left out, and told."""
    source = folder.csv(*rows)

    assert [{"externalOrderId": "A-1", "quantity": 1}] == orders(source)
    with check(source, promo_code="S") as checked:
        assert notes == [
            (each.examples[0].row, each.remark.text)
            for each in checked.cleaned
        ]


def test_title_rows_are_cut(folder: Folder) -> None:
    """A header in the eleventh row is not looked for."""
    with pytest.raises(InputFileError, match="no row has the names"):
        folder.csv(*["title"] * 10, "externalOrderId", "A-1")


@pytest.mark.parametrize(
    ("header", "row", "delimiter"),
    [
        ("externalOrderId;vendorData.a, b, c, d;quantity", "A-1;x;1", ";"),
        ("externalOrderId|quantity", "A-1|1", "|"),
        ("externalOrderId\tquantity", "A-1\t1", "\t"),
        ("externalOrderId", "A-1", ","),
    ],
)
def test_delimiters(
    folder: Folder, header: str, row: str, delimiter: str
) -> None:
    """The delimiter is the one by which most names are found."""
    source = folder.csv(header, row)

    assert [] == wrong(source)
    assert delimiter == getattr(source, "delimiter", None)
