"""A table of findings says what somebody meant, or what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.journal import Finding, read_findings
from sesamy_async.bulk.reports._files import Sheet


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the table is."""
    return tmp_path / "found.csv"


TWICE = (
    "has the column externalOrderId and the column contractId twice; remove "
    "one of them. Outcome"
)


EITHER = (
    "give either the contractId that order 'A-1' has, or yes in notCreated"
)
YES_OR_NO = "confirmed and notCreated must be yes, no or empty"


@pytest.mark.parametrize("order", ["=1", "'=1", "''=1", "'", "''", "'A"])
def test_apostrophes(path: Path, order: str) -> None:
    """The order that a report of ours names is that order."""
    sheet = Sheet(
        path, header=("externalOrderId", "contractId"), delimiter=","
    )
    sheet.add(order, "c1")
    sheet.keep()

    assert [order] == [each.order_id for each in read_findings(path)]


def test_changed_id(path: Path) -> None:
    """An id that a spreadsheet has changed settles no other order."""
    path.write_text(
        "externalOrderId,contractId,#externalOrderId\n"
        "0018,c1,id:0018\n18,c2,id:0018\n",
        encoding="utf-8",
    )
    with pytest.raises(InputFileError) as raised:
        read_findings(path)

    [problem] = raised.value.problems
    assert problem.startswith("row 3: externalOrderId was '0018', and is '18'")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_table(path: Path, delimiter: str, end: str, mark: str) -> None:
    """A table is read as a spreadsheet writes it."""
    lines = [
        "XXXXXXX,externalOrderId,contractId,confirmed,notCreated,reason",
        "7,A-1,c1,yes,,x",
        '8,"A,2", c2 ,,no,"two\nlines"',
        "",
        ",,,,,",
        "9,'=A-3,,,Yes,x",
        "9,'A-4,,no,TRUE",
        "9,A-5,c5",
    ]
    text = end.join(lines).replace(",", delimiter)
    path.write_bytes(f"{mark}{text}".encode())

    assert [
        Finding(
            order_id="A-1", contract_id="c1", confirmed=True, where="row 2"
        ),
        Finding(order_id=f"A{delimiter}2", contract_id="c2", where="row 3"),
        Finding(order_id="=A-3", contract_id=None, where="row 6"),
        Finding(order_id="'A-4", contract_id=None, where="row 7"),
        Finding(order_id="A-5", contract_id="c5", where="row 8"),
    ] == read_findings(path)


@pytest.mark.parametrize(
    ("text", "order", "contract"),
    [
        # What stands in quotes is the id, whatever it holds.
        ('externalOrderId,contractId\r\n"A\r\n1",c1\r\n', "A\r\n1", "c1"),
        # If every order has a contract, two columns do.
        ("contractId;externalOrderId\nc1;A-1\n", "A-1", "c1"),
        # Spaces around the names of columns don't count.
        (" contractId , externalOrderId\nc1,A-1\n", "A-1", "c1"),
        # Yes and no may be written as spreadsheets write them.
        *(
            (f"externalOrderId,contractId,notCreated\nA,, {yes} ", "A", None)
            for yes in ("yes", "TRUE", "1")
        ),
        *(
            (f"externalOrderId,contractId,notCreated\nA,c, {no} ", "A", "c")
            for no in ("", "No", "false", "0")
        ),
    ],
)
def test_small_tables(
    path: Path, text: str, order: str, contract: str | None
) -> None:
    """Columns come in any sequence, and words in any usual form."""
    path.write_bytes(text.encode())

    assert [
        Finding(order_id=order, contract_id=contract, where="row 2")
    ] == read_findings(path)


@pytest.mark.parametrize("blank", ["A-1", "A-1,,", "A-1, , ,"])
def test_blank_rows(path: Path, blank: str) -> None:
    """Rows that nobody has filled in yet are left out."""
    header = "externalOrderId,contractId,notCreated,confirmed\n"
    path.write_text(f"{header}{blank}\nA-2,c2\n")

    assert ["A-2"] == [each.order_id for each in read_findings(path)]

    path.write_text(f"{header}{blank}\n")
    with pytest.raises(InputFileError, match="has no answer: nothing is fil"):
        read_findings(path)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",c1,", "externalOrderId is missing"),
        ("A-1,c1,yes", EITHER),
        ("A-1,,no", EITHER),
        ("A-1,,yes,yes", EITHER),
        ("A-1,,maybe", YES_OR_NO),
        ("A-1,c1,,maybe", YES_OR_NO),
        ("A-1,..,", "contractId must be an id; it is empty, '.' or '..'"),
    ],
)
def test_wrong_rows(path: Path, row: str, said: str) -> None:
    """Every row that is wrong is named; none is taken to mean something."""
    path.write_text(
        "externalOrderId,contractId,notCreated,confirmed\n"
        f"A-0,c0,\n{row}\n{row}\n"
    )
    with pytest.raises(InputFileError) as raised:
        read_findings(path)

    assert (f"row 3: {said}", f"row 4: {said}") == raised.value.problems
    assert (
        f"{path} can't be used: row 3: {said}; row 4: {said}."
        == (raised.value.args[0])
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "there is no such file"),
        (b"", "is empty"),
        (
            b"contractId,externalOrderId,contractId,externalOrderId\n",
            TWICE,
        ),
        (b"externalOrderId,contract\n", "has no column contractId; its"),
        (b'externalOrderId,contractId\nA-1,"c1\n', "row 2: a quotation mark"),
        (b'"externalOrderId,contractId\n', "row 1: a quotation mark"),
    ],
)
def test_wrong_tables(path: Path, content: bytes | None, said: str) -> None:
    """A file that is no such table says what it lacks."""
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputFileError, match=f"{path.name}.*{said}"):
        read_findings(path)
