"""What was typed into a spreadsheet is read as typed, or refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.reading import open_source, write_template
from sesamy_async.bulk.reading._formats import matters, shown
from sesamy_async.bulk.reading._proposal import propose
from sesamy_async.bulk.reading._sheets import SheetTable
from sesamy_async.bulk.reading._values import WrongValue, read_date
from support.books import ods, rewritten, xlsx
from support.order_files import Folder, sales, wrong


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("0.00E+00", 12000.0, "1.20E+04"),
        ("0.00E+00", -5e-5, "-5.00E-05"),
        ("##0.0E+0", 1e300, "1.00E+300"),
        # A column of numbers, of which the form shows only a part.
        ("0.00E+00", 46701740605.0, "46701740605"),
        ("0.00E+00", 0.0, "0"),
    ],
)
def test_powers(code: str, value: float, text: str) -> None:
    """What 12E3 becomes keeps its form, since 12000 is another id."""
    assert text == shown(code, value)
    assert matters(code)


NUMBERS = [("externalOrderId", "userData.phone"), (12000, 46701740605)]
POWER = "row 2, externalOrderId: is a number in exponent form"


@pytest.mark.parametrize("code", ["0.00E+00", "0.0E+0"])
def test_powers_in_xlsx(tmp_path: Path, code: str) -> None:
    """They are seen in formats of the file, and in those that all have."""
    formats = {"A2": code, "B2": code}
    source = open_source(xlsx(tmp_path / "a.xlsx", NUMBERS, formats=formats))
    [row] = source.records()

    assert "46701740605" == row.cells[1]
    assert [POWER] == [each[: len(POWER)] for each in wrong(source)]


@pytest.mark.parametrize(
    ("value", "text", "cell"),
    [
        ("12000", "1,20E+04", "1,20E+04"),
        ("46701740605", "4,67E+10", "46701740605"),
    ],
)
def test_powers_in_ods(
    tmp_path: Path, value: str, text: str, cell: str
) -> None:
    """They are seen there, too."""
    number = (
        f'<table:table-row><table:table-cell office:value="{value}" '
        f'office:value-type="float"><text:p>{text}</text:p>'
        "</table:table-cell></table:table-row>"
    )
    path = ods(tmp_path / "a.ods", number, digits=1)
    rewritten(
        path,
        "content.xml",
        lambda it: it.replace("<number:number", "<number:scientific-number"),
    )
    [row] = SheetTable.open(path, "Orders").rows()

    assert (cell,) == row.cells


@pytest.mark.parametrize(
    ("date", "why"),
    [
        ("31/02/1990", "is not a day in the calendar"),
        ("13-13-1990", "is not a day in the calendar"),
        ("31/12/1990", "must be a date such as 1980-12-31; or say with ["),
        ("12/31/1990", "must be a date such as 1980-12-31; or say with ["),
        ("3/4/1990", "can be read in more than one way; say with [dates]"),
    ],
)
def test_dates(date: str, why: str) -> None:
    """What is a day in no form is not asked for its form."""
    with pytest.raises(WrongValue) as caught:
        read_date(date, None)

    assert why in str(caught.value.args[0])


def test_nothing_ignored() -> None:
    """A mapping of all columns has an empty list of the others."""
    proposal = propose(["Ordernr"], [["A-1"]])

    assert "ignore = []" in proposal.toml("orders.csv")


@pytest.mark.parametrize("name", ["orders.xlsx", "orders.csv"])
def test_template_alone(tmp_path: Path, name: str) -> None:
    """No mapping is written if none is named."""
    write_template(tmp_path / name)

    assert [name] == [each.name for each in tmp_path.iterdir()]
    with pytest.raises(InputFileError, match="already exists"):
        write_template(tmp_path / name)


def test_who_pays(tmp_path: Path) -> None:
    """The help says that the owner is the one who does not pay."""
    write_template(tmp_path / "orders.xlsx")
    helps, header, *_ = SheetTable.open(tmp_path / "orders.xlsx").rows()
    said = dict(zip(header.cells, helps.cells, strict=True))

    assert "of the buyer" in said["userData.email"]
    assert said["ownerData.email"].startswith("Only if somebody else pays")


PHONE = "userData.phone: is not a phone number of this country"


@pytest.mark.parametrize(
    ("country", "phone", "said"),
    [
        ("SE", "701740605", PHONE),
        ("Sverige", "70-174 06 05", PHONE),
        ("FI", "401234567", PHONE),
        ("SE", "46123456", PHONE),
        *(("SE", phone, None) for phone in ("0701740605", "46701740605")),
        *(
            ("SE", phone, None)
            for phone in ("+46701740605", "112", "x7017406")
        ),
        *((country, "701740605", None) for country in ("NO", "", "DE")),
    ],
)
def test_phones(
    folder: Folder, country: str, phone: str, said: str | None
) -> None:
    """Where each number begins with a zero, one that lost it is noticed."""
    header = "externalOrderId;userData.email;userData.phone"
    row = f"A-1;kim@example.com;{phone};{country}"
    [sale] = sales(folder.csv(f"{header};userData.address.country", row))
    notes = [
        f"{it.column}: {it.remark.text}"
        for it in sale.notes
        if it.column == "userData.phone"
    ]

    assert [said] * (said is not None) == [
        note.partition(": did")[0] for note in notes
    ]


@pytest.mark.parametrize(
    ("order_id", "doubtful"),
    [
        ("2026-02-01", True),
        ("2026-02-01T00:00:00", True),
        ("2026-02-01-7", False),
        ("5026-02-01", False),
    ],
)
def test_ids_that_are_dates(
    folder: Folder, order_id: str, doubtful: bool
) -> None:
    """An id such as 1/2 is a date in a spreadsheet, which is told."""
    header = "externalOrderId;userData.email"
    [sale] = sales(folder.csv(header, f"{order_id};kim@example.com"))

    assert doubtful == bool(sale.notes)
