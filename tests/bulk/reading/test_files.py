"""Files are opened, found out and fingerprinted, or refused."""

from __future__ import annotations

import codecs
import errno
import itertools
import os
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.reading import open_source
from support.order_files import Folder, orders


ROW = '{"externalOrderId": "Å-1"}'
TABLE = "externalOrderId,userData.fullName\nÅ-1,Öberg\n"
SENT = {"externalOrderId": "Å-1", "userData": {"fullName": "Öberg"}}


def refused(path: Path | str, **options: Any) -> str:
    """Return why a file can't be opened, or read to its end."""
    with pytest.raises(InputFileError) as caught:
        [*open_source(path, **options).records()]
    return str(caught.value)


@pytest.mark.parametrize(
    ("encoding", "option"),
    [
        ("utf-8", None),
        ("utf-8-sig", None),
        ("utf-8-sig", "UTF8"),
        ("cp1252", "cp1252"),
        ("latin-1", "windows-1252"),
        ("cp1252", None),
        ("cp850", None),
        ("mac-roman", None),
        ("utf-16", "utf-16"),
        ("utf-16", None),
        ("utf-32", None),
        ("utf-16-be", "utf-16"),
        ("utf-16-le", None),
    ],
)
def test_encodings(folder: Folder, encoding: str, option: str | None) -> None:
    """The encoding is found out, unless it is given."""
    path = folder.write(TABLE.encode(encoding))

    assert [SENT] == orders(open_source(path, encoding=option))


@pytest.mark.parametrize("name", ["utf-88", "base64", "undefined", "a\0b"])
def test_unknown_encodings(folder: Folder, name: str) -> None:
    """What is no text encoding is refused with one that is likely."""
    said = refused(folder.write(TABLE), encoding=name)

    assert said.startswith(f"The encoding {name!r} is unknown.")
    assert "cp1252" in said


def test_wrong_bytes_are_found(folder: Folder) -> None:
    """The error names row and column, however far a decoder reads ahead."""
    text = TABLE + "A-2,x\n" * 5000 + "A-3,Göteborg\nA-4,x\n"
    raw = text.encode().replace("Göteborg".encode(), b"G\xf6teborg")
    said = refused(folder.write(raw))

    assert said.startswith(
        "orders.csv, row 5003, userData.fullName: it has byte 0xf6, which "
        "is not UTF-8. Most of the file is UTF-8: correct that cell, or save "
        "the file again as UTF-8."
    )


@pytest.mark.parametrize(
    ("content", "given", "problem"),
    [
        (
            b"\xff\xff,externalOrderId;#x;#y\nx;A-1;\xc3\xa5\n",
            "utf-8",
            ", row 1, column 1: it has byte 0xff, which is not UTF-8. Most",
        ),
        (
            f"{{}}\n{ROW}".encode("cp1252"),
            "utf-8",
            (
                ", row 2: it has byte 0xc5, which is not UTF-8. It looks "
                "like cp1252: leave --encoding out."
            ),
        ),
        (
            b"externalOrderId,#x\nA-1,\xc4\x81 \x81\n",
            "cp1252",
            (
                ", row 2, #x: it has byte 0x81, which is not cp1252. "
                "It looks like UTF-8: leave --encoding out."
            ),
        ),
        (
            "externalOrderId,#x\nA-1,\u041c\u043e\u0441\n".encode("cp1251")
            + b"\x81",
            "cp1252",
            ", row 3: it has byte 0x81, which is not cp1252. Save the file",
        ),
        (TABLE, "utf-16", " is UTF-8, and not utf-16. Leave --encoding out."),
        (TABLE, "cp1252", " is UTF-8, and not cp1252. Leave --encoding out."),
        (
            TABLE.encode("utf-8-sig"),
            "mac-roman",
            " is UTF-8, and not mac-roman. Leave",
        ),
        (TABLE.encode("utf-16"), "cp1252", " is UTF-16, and not cp1252. Lea"),
    ],
    ids=itertools.count(),
)
def test_where_wrong_bytes_are(
    folder: Folder, content: str | bytes, given: str | None, problem: str
) -> None:
    """The error names row and column, if there are any, and what to do."""
    path = folder.write(content, "a")

    assert refused(path, encoding=given).startswith(f"a{problem}")


@pytest.mark.parametrize("encoding", [None, "utf-16"])
def test_wide_characters(folder: Folder, encoding: str | None) -> None:
    """In a "Unicode" file of a spreadsheet, the wrong row is found."""
    raw = TABLE.encode("utf-16-le")
    path = folder.write(codecs.BOM_UTF16_LE + raw + b"\x00\xd8x\x00")
    said = refused(path, encoding=encoding)

    assert said.startswith("orders.csv, row 3: it is not utf-16. Save the")


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        (b"PK\x03\x04x", "a damaged archive, or was not completely copied."),
        (b"\x1f\x8bx", "a damaged archive, or was not completely copied."),
        (b"%PDF-1.7", "a PDF, not a text file."),
        (b"", "empty. Write a template with sesamy import --template."),
        (b"\n \n", "empty. Write a template with sesamy import"),
    ],
)
def test_files_without_text(
    folder: Folder, start: bytes, problem: str
) -> None:
    """Other formats and empty files are refused, with what to do."""
    said = refused(folder.write(start))

    assert said.startswith(f"orders.csv is {problem}")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe are told apart."""
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)

    assert "there is no such file" in refused(tmp_path / "x.csv")
    assert "it is a directory" in refused(tmp_path)
    assert "it is not a regular file" in refused(str(pipe))


def test_files_that_can_not_be_read(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A missing permission is told in words."""
    path = folder.write(TABLE)

    def failing(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "open", failing)

    assert f"{path} can't be read: you are not allowed to read" in refused(
        path
    )


@pytest.mark.parametrize(
    ("name", "content", "header"),
    [
        ("a.CSV", TABLE, True),
        ("a.tsv", TABLE.replace(",", "\t"), True),
        ("a.txt", TABLE, True),
        ("a", f"\ufeff {ROW}", False),
        ("a.json", ROW, False),
        ("a.jsonl", ROW, False),
        ("a.ndjson", ROW, False),
    ],
)
def test_formats(
    folder: Folder, name: str, content: str, header: bool
) -> None:
    """The ending tells the format, and else the first character."""
    source = open_source(folder.write(content, name))

    assert header == bool(source.header)
    assert name == source.name
    assert ["Å-1"] == [each["externalOrderId"] for each in orders(source)]


def test_given_formats(folder: Folder) -> None:
    """A name may have any ending; options without an effect are refused."""
    path = folder.write(ROW)

    assert 1 == len(orders(open_source(path, format="jsonl")))
    assert 'must be "csv", "jsonl" or "sheet"' in refused(path, format="xml")
    mapping = folder.write("", "mapping.toml")
    for option in ({"delimiter": ";"}, {"sheet": "A"}, {"mapping": mapping}):
        assert "no delimiter, no sheets and no mapping" in refused(
            path, format="jsonl", **option
        )
    for option in ({"delimiter": ";"}, {"encoding": "utf-8"}):
        assert "neither an encoding nor a delimiter" in refused(
            path, format="sheet", **option
        )


def test_a_fingerprint_is_of_all_that_counts(folder: Folder) -> None:
    """Other bytes, or another reading of the same ones, are another file."""
    path, toml = folder.write(TABLE), "[constants]\nownerData.birthday = "
    first = open_source(path).fingerprint()
    others = {
        open_source(path, allow_unknown=True).fingerprint(),
        open_source(folder.write(ROW, "a.jsonl")).fingerprint(),
        open_source(folder.write(f"{TABLE}A-2,x\n", "b")).fingerprint(),
        *(
            open_source(path, mapping=mapping).fingerprint()
            for mapping in (
                folder.write(f"{toml}1980-05-17", "m"),
                folder.write(f"{toml}1980-05-18", "n"),
            )
        ),
    }

    assert 5 == len(others - {first})
    assert first == open_source(path, delimiter=",").fingerprint()
    wide = folder.write(TABLE.encode("cp1252"))
    assert 2 == len(
        {
            open_source(wide, encoding=each).fingerprint()
            for each in ("cp1252", "latin-1")
        }
    )


ROWS = [f"A-{number},Kim" for number in range(5)]


@pytest.mark.parametrize("rows", [ROWS[:2], [*ROWS, "A-9,Bo"]])
def test_written_to(folder: Folder, rows: list[str]) -> None:
    """A file that is written to while it is read is refused."""
    records = folder.csv("externalOrderId,userData.fullName", *ROWS).records()
    assert 2 == next(records).number
    folder.csv("externalOrderId,userData.fullName", *rows)
    with pytest.raises(InputFileError, match=r"orders\.csv changed while"):
        next(records)


def test_replaced(folder: Folder) -> None:
    """If another file takes the name, the first one is read on."""
    records = folder.csv("externalOrderId,userData.fullName", *ROWS).records()
    next(records)
    other = folder.write("externalOrderId\n", "other.csv")
    other.replace(folder.path / "orders.csv")

    assert [3, 4, 5, 6] == [each.number for each in records]
