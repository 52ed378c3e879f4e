"""What was cleaned and what may be wrong is said, cells on a terminal only."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async._cli import run
from sesamy_async.bulk import Note, Remark
from sesamy_async.bulk.check import Checked, check
from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reading._table import TableSource
from support.command_line import (
    IMPORT,
    PROMO,
    CommandLine,
    Ran,
    orders_file,
)


SPACES = Remark("spaces around it were removed")
EXPONENT = Remark("a spreadsheet may have changed it", warning=True)
NO_MAIL = Remark("there is no e-mail", warning=True)
HEADER = Remark("this row is the header")
ENCODING = Remark("the encoding is cp1252")
CELL = "secret cell"
LONG = "4" * 61
NOTES = (
    *(Note(row, "E-post", SPACES, f" {CELL}", CELL) for row in range(2, 6)),
    Note(3, "Mobil", EXPONENT, LONG, LONG),
    Note(4, "", NO_MAIL),
)
OF_FILE = (Note(0, "", ENCODING, CELL, CELL), Note(2, "", HEADER))
DRY = (*IMPORT, "--dry-run", "--sandbox")


@pytest.fixture
def noted(sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the check have found something in a file of three orders."""

    def checked(source: Any, **options: Any) -> Checked:
        found = check(source, **options)
        found.note(NOTES)
        return found

    def opened(*arguments: Any, **options: Any) -> TableSource:
        made: Any = open_source(*arguments, **options)
        noted: TableSource = attrs.evolve(made, notes=OF_FILE)
        return noted

    del sesamy  # It changes the folder.
    orders_file()
    monkeypatch.setattr("sesamy_async.bulk._file.check", checked)
    monkeypatch.setattr("sesamy_async._cli.mapping.open_source", opened)


@pytest.fixture
def terminal(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Ran]:
    """Run commands whose stderr is a terminal, where cells may be seen."""

    def ran(*arguments: object) -> Ran:
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        code = run([*map(str, arguments)])
        out, err = sesamy.capsys.readouterr()
        return Ran(code, out, err)

    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("LINES", "24")
    return ran


LOGGED = """\
orders.csv: the encoding is cp1252.
orders.csv, row 2: this row is the header.
Cleaned:
  4 cells in E-post: spaces around it were removed: row 2, 3, 4, 5.
Warnings (these orders can be sent):
  1 cell in Mobil: a spreadsheet may have changed it: row 3.
  1 row: there is no e-mail: row 4.
"""


@pytest.mark.usefixtures("noted", "served")
@pytest.mark.parametrize("how", [("--dry-run",), (), ("--json", "--dry-run")])
def test_in_a_log(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, how: tuple[str, ...]
) -> None:
    """A log has counts and rows but no cell, also one with colours."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LINES", "24")
    ran = sesamy(*IMPORT, *how)

    assert 0 == ran.code
    assert LOGGED in ran.err
    assert CELL not in f"{ran.out}{ran.err}"


SHOWN = """\
orders.csv: the encoding is cp1252: 'secret cell'
orders.csv, row 2: this row is the header.
"""
FIRST = """\
The first 3 orders as they would be sent:
  Row 2
    Order       T-1
    Promo code  SPRING-12
    Payment     card by Klarna
    Quantity    1
    E-mail      kim1@example.se
    Name        Kim Åberg
  Row 3
"""
CLEANED = f"""\
Cleaned:
  4 cells in E-post: spaces around it were removed, for
    example:
    row 2: ' secret cell' → 'secret cell'
    row 3: ' secret cell' → 'secret cell'
    row 4: ' secret cell' → 'secret cell'
Warnings (these orders can be sent):
  1 cell in Mobil: a spreadsheet may have changed it
    row 3:
      '{"4" * 60}…'
  1 row: there is no e-mail: row 4.
"""


@pytest.mark.usefixtures("noted", "served")
def test_on_a_terminal(terminal: Callable[..., Ran]) -> None:
    """The dry run shows orders and cells, and no line is cut in a word."""
    tried, sent = terminal(*DRY), terminal(*IMPORT)

    assert [0, 0] == [tried.code, sent.code]
    assert tried.err.startswith(f"{SHOWN}{FIRST}")
    assert tried.err.endswith(CLEANED)
    assert f"{SHOWN}{CLEANED}" in sent.err


@pytest.mark.usefixtures("noted")
def test_for_machines(terminal: Callable[..., Ran]) -> None:
    """There are counts, remarks and columns, and no cell anywhere."""
    ran = terminal(*DRY, "--json")

    assert CELL not in f"{ran.out}{ran.err}"
    assert ran.json["notes"] == [
        {"row": 0, "remark": ENCODING.text},
        {"row": 2, "remark": HEADER.text},
    ]
    assert ran.json["cleaned"] == [
        {"column": "E-post", "remark": SPACES.text, "count": 4}
    ]
    assert ran.json["warnings"] == [
        {"column": "Mobil", "remark": EXPONENT.text, "count": 1},
        {"column": "", "remark": NO_MAIL.text, "count": 1},
    ]


@pytest.mark.usefixtures("noted")
def test_refused(terminal: Callable[..., Ran]) -> None:
    """A file with mistakes is refused after what was cleaned in it."""
    orders_file(wrong=2)
    ran = terminal(*DRY)
    strict = terminal(*DRY, "--strict")
    orders_file(wrong=2, count=1)
    none = terminal(*DRY)

    assert [2, 2, 2] == [ran.code, strict.code, none.code]
    assert "The first 2 orders as they would be sent:\n  Row 3\n" in ran.err
    assert f"{CLEANED}Error: orders.csv has mistakes in 1 row" in ran.err
    assert "Cleaned:" in strict.err
    assert "Warnings" not in strict.err
    assert "The first" not in none.err


ALL = (
    '{"externalOrderId": "A-1", "promoCode": "P-1", "vendorId": "v",'
    ' "paymentProvider": "BILLOGRAM", "vendorData": {"campaign": "höst"},'
    ' "providerData": {"n": "7"}, "userData": {"gender": "female",'
    ' "address": {"zip": "0352", "co": "B"}, "businessDetails":'
    ' {"vatNr": "SE1"}, "extraData": {"news": true}},'
    ' "ownerData": {"email": "o@example.com", "extraData": {"x": "y"}}}'
)


def test_plain_words(terminal: Callable[..., Ran]) -> None:
    """Each field that is sent has a line, the seller's own at the end."""
    Path("all.jsonl").write_text(f"{ALL}\n", encoding="utf-8")
    ran = terminal("import", "all.jsonl", "--dry-run", "--sandbox")

    assert ran.err.splitlines() == [
        "The first order as it would be sent:",
        "  Row 1",
        "    Order                  A-1",
        "    Promo code             P-1",
        "    Publisher              v",
        "    Payment                Billogram",
        "    Gender                 female",
        "    Zip                    0352",
        "    C/o                    B",
        "    VAT number             SE1",
        "    Extra data, news       true",
        "    Owner's e-mail         o@example.com",
        "    Owner's extra data, x  y",
        "    Vendor data, campaign  höst",
        "    Provider data, n       7",
    ]


@pytest.mark.parametrize("strict", [True, False])
def test_strict(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, *, strict: bool
) -> None:
    """With --strict, the check takes warnings for mistakes."""
    given: list[object] = []

    def checked(*arguments: Any, **options: Any) -> Checked:
        given.append(options["strict"])
        return check(*arguments, **options)

    orders_file()
    monkeypatch.setattr("sesamy_async.bulk._file.check", checked)
    ran = sesamy(*DRY, *["--strict"][: int(strict)])

    assert 0 == ran.code
    assert [strict] == given


def test_many_wrong_headers(sesamy: CommandLine) -> None:
    """The first twenty are listed, one a line, and how many there are."""
    names = ",".join(f"column {number}" for number in range(25))
    header = f"externalOrderId,Qty,{names}"
    Path("orders.csv").write_text(f"{header}\nA,1,{names}\n")
    Path("m.toml").write_text('[columns]\nQty = "quantity"\n')
    ran = sesamy(*DRY, "--mapping", "m.toml")
    lines = ran.err.splitlines()

    assert 2 == ran.code
    assert "  and 5 more" == lines[-2]
    assert 20 == sum("unknown" in it for it in lines)


def test_a_sheet(sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name of a sheet is passed on."""
    given: list[object] = []

    def opened(*arguments: Any, sheet: str, **options: Any) -> Any:
        given.append(sheet)
        return open_source(*arguments, **options)

    orders_file()
    monkeypatch.setattr("sesamy_async._cli.mapping.open_source", opened)

    assert 0 == sesamy(*DRY, "--sheet", "June").code
    assert ["June"] == given


@pytest.mark.parametrize(
    ("rate", "said"),
    [
        ("20", "798 calls; at least 15 s at the permitted 20 per second"),
        ("1000", "798 calls; at least less than 1 s at the permitted 1000 p"),
        ("1", "798 calls; at least 13 min 17 s at the permitted 1 per second"),
        ("0.5", "798 calls; at least 26 min 34 s at the permitted 0.5 per"),
        ("0", "--rate must be a finite number, more than 0; got 0.0."),
        ("inf", "--rate must be a finite number, more than 0; got inf."),
        ("nan", "--rate must be a finite number, more than 0; got nan."),
    ],
)
def test_rate(sesamy: CommandLine, rate: str, said: str) -> None:
    """The estimate is at the rate that is permitted."""
    orders_file(count=399)
    ran = sesamy(*DRY, "--rate", rate)

    assert said in f"{ran.out}{ran.err}"


@pytest.mark.usefixtures("served")
def test_rate_of_the_import(sesamy: CommandLine) -> None:
    """The orders are sent at that rate."""
    orders_file(count=1)
    ran = sesamy(*IMPORT, "--rate", "2.5", "--json")

    assert 2.5 == ran.json["permitted"]


@pytest.mark.usefixtures("served")
def test_mapping_beside(sesamy: CommandLine) -> None:
    """It is used and named, also for the report; that is named to import."""
    path = orders_file(wrong=3)
    text = path.read_text("utf-8").replace("userData.email", "E-post")
    path.write_text(text, encoding="utf-8")
    mapping = Path("orders.csv.mapping.toml")
    mapping.write_text('[columns]\n"E-post" = "userData.email"\n')
    ran = sesamy(*IMPORT, "--skip-invalid", "--confirm", "no")
    command = "sesamy import orders.rejected.csv --promo SPRING-12"
    again = sesamy("import", "orders.rejected.csv", *PROMO)
    said = f"The columns are read with the mapping {mapping}."

    assert [3, 2] == [ran.code, again.code]
    assert f"\n  {command} --confirm no" in ran.out
    assert [True, True] == [said in each.err for each in (ran, again)]
    assert "row 2, E-post: must look like" in again.err

    # One that is given is named in the command.
    mapping.rename("m.toml")
    Path("orders.csv.journal").unlink()
    given = ("--mapping", "m.toml", "--idempotency", "none")
    ran = sesamy(*IMPORT, "--skip-invalid", *given, "--no-strays")

    assert f"{command} {' '.join(given)} --no-strays\n" in f"{ran.out}\n"


def test_same_mistakes(
    sesamy: CommandLine, terminal: Callable[..., Ran]
) -> None:
    """All rows with the same wrong word are one line; a log has no word."""
    path = orders_file(count=9, wrong=10)
    text = path.read_text("utf-8").replace(",CARD,", ",PayTrail,", 6)
    path.write_text(text.replace(",PayTrail,", ",Lasku ,", 1), "utf-8")
    logged, shown = sesamy(*DRY).err, terminal(*DRY).err
    reason = (
        "must be one of BANKGIRO, EXTERNAL, INVOICE, SWISH, CARD, FREE; a "
        "mapping can say what it stands for ([values])\n"
    )
    listed = " ".join(shown.split())
    email = "row 10, userData.email: must look like name@example.com\n"

    assert "has mistakes in 7 rows of 9:" in logged
    assert (
        f"\n  6 rows (2, 3, 4 and 3 more), paymentMethod: {reason}  {email}"
    ) in logged
    assert "PayTrail" not in logged
    assert f"row 2, paymentMethod: 'Lasku' {reason.strip()}" in listed
    assert (
        "5 rows (3, 4, 5 and 2 more), paymentMethod: 'PayTrail' "
        f"{reason.strip()}"
    ) in listed
    assert 7 == len(sesamy(*DRY, "--json").json["error"]["problems"])


def test_same_country(sesamy: CommandLine) -> None:
    """All rows with the same name of a country are one warning."""
    header = "externalOrderId,userData.email,userData.address.country"
    lines = [f"A-{n},a{n}@example.com,Suomi" for n in range(40)]
    Path("orders.csv").write_text("\n".join([header, *lines]), "utf-8")
    said = "40 cells in userData.address.country: 'Suomi' is not a code of "

    assert f"{said}two letters: write FI: row 2, 3," in sesamy(*DRY).err
