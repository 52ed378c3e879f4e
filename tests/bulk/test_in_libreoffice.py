"""What somebody types into LibreOffice is read as typed, or is refused.

No line of the package is covered by these tests alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from sesamy_async._cli import run
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source, write_template
from support.books import xlsx
from support.libreoffice import OFFICE, Typist
from support.order_files import orders, wrong


pytestmark = [
    pytest.mark.skipif(
        OFFICE is None, reason="LibreOffice is not installed: none is tried"
    ),
    pytest.mark.slow,
]

KINDS = (".xlsx", ".ods", ".xls", ".csv")
IDS = ("0018", "20260917000123456", "12E3", "10-12", "1/2", "+47", "TRUE")
FIELDS = (
    *("externalOrderId", "paymentMethod", "quantity", "userData.email"),
    *("userData.fullName", "userData.phone", "userData.birthday"),
    *("userData.address.country", "userData.address.zip"),
)
PHONE, ZIP, BORN = "+46701740605", "0352", "1981-06-19"


def row(order_id: str, quantity: str = "2") -> tuple[str, ...]:
    """Return the cells of an order."""
    person = ("åsa@example.com", "Åsa Öberg", PHONE, BORN)
    return (order_id, "INVOICE", quantity, *person, "NO", ZIP)


SENT = [
    {
        "externalOrderId": order_id,
        "paymentMethod": "INVOICE",
        "quantity": 2,
        "userData": {
            "email": "åsa@example.com",
            "fullName": "Åsa Öberg",
            "phone": PHONE,
            "birthday": BORN,
            "address": {"country": "NO", "zip": ZIP},
        },
    }
    for order_id in IDS
]


def placed(
    names: Sequence[str], first: int, rows: Sequence[Sequence[str]]
) -> Mapping[str, str]:
    """Return cells by their places in a sheet with these columns."""
    letters = [chr(ord("A") + names.index(each)) for each in FIELDS]
    return {
        f"{letter}{number}": cell
        for number, cells in enumerate(rows, first)
        for letter, cell in zip(letters, cells, strict=True)
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Type and save all files at once, since it takes seconds to start."""
    folder = tmp_path_factory.mktemp("libreoffice")
    template = folder / "orders.xlsx"
    write_template(template)
    names = open_source(template).header
    typed = [row(each) for each in IDS]
    typist = Typist()
    typist.opens(template)
    typist.types(placed(names, 5, typed))
    # The examples.
    typist.removes(3, 2)
    typist.saves(folder / "template", *KINDS)

    wrong_rows = [FIELDS, *(row(each, "två") for each in IDS)]
    lines = "".join(f"{';'.join(each)}\n" for each in wrong_rows)
    xlsx(folder / "sent.xlsx", wrong_rows)
    (folder / "sent.csv").write_text(lines, encoding="utf-8")
    for name in ("sent.xlsx", "sent.csv"):
        options = ("--promo", "A", "--sandbox", "--idempotency", "none")
        run(["import", str(folder / name), "--skip-invalid", *options])
    # Three columns of its own stand before those of the file.
    quantities = {f"F{number}": "2" for number in range(2, 2 + len(IDS))}
    for name, kinds in (
        ("sent.xlsx.rejected.xlsx", KINDS),
        ("sent.rejected.csv", (".csv", ".xlsx")),
    ):
        typist.opens(folder / name)
        typist.types(quantities)
        mended = f"mended{Path(name).suffix.replace('.', '-')}"
        typist.saves(folder / mended, *kinds)

    typist.opens()
    typist.types(placed(FIELDS, 1, [FIELDS, *typed]))
    typist.saves(folder / "new", ".xlsx", ".ods")
    typist.work(folder / "profile")
    return folder


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["template", "mended-xlsx"])
def test_as_typed(folder: Path, name: str, kind: str) -> None:
    """The template and a mended report are what was typed, in any format."""
    sent: Any = orders(open_source(folder / f"{name}{kind}"))

    assert SENT == sent


@pytest.mark.parametrize("kind", [".csv", ".xlsx"])
def test_a_report_as_csv(folder: Path, kind: str) -> None:
    """Each id that was changed is noticed, and no other.

    Which are, depends on the language: LibreOffice is Swedish here.
    """
    said = wrong(open_source(folder / f"mended-csv{kind}"))
    changed = [each.partition("'")[2].partition("'")[0] for each in said]

    assert [*IDS[:3], "1/2", "+47"] == changed
    assert all("did a spreadsheet change it?" in each for each in said)


@pytest.mark.parametrize("kind", [".xlsx", ".ods"])
def test_a_new_sheet(folder: Path, kind: str) -> None:
    """Where digits are lost, it is said, as far as anybody can know."""
    source = open_source(folder / f"new{kind}")
    rows = [each.partition(":")[0] for each in wrong(source)]
    with check(source, promo_code="A") as checked:
        doubtful = {each.column for each in checked.warnings}

    assert [f"row {it}, externalOrderId" for it in (3, 4)] == rows
    # The phones have no plus, and nothing says whether they should.
    assert {"externalOrderId", "userData.address.zip"} == doubtful
