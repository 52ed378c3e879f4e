"""Files are opened, found out and fingerprinted, or refused."""

from __future__ import annotations

import codecs
import errno
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
        ("utf-16", "utf-16"),
    ],
)
def test_encodings(folder: Folder, encoding: str, option: str | None) -> None:
    """UTF-8 needs no option, with or without a byte order mark."""
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
        "orders.csv, row 5003, userData.fullName: it holds byte 0xf6, "
        "which is not UTF-8. If a spreadsheet wrote the file, try --encoding "
        "cp1252."
    )


@pytest.mark.parametrize(
    ("content", "given", "problem"),
    [
        (
            "Länk,externalOrderId\nx,A-1\n".encode("cp1252"),
            None,
            ", row 1: it holds byte 0xe4, which is not UTF-8. If a spre",
        ),
        (
            f"{{}}\n{ROW}".encode("cp1252"),
            None,
            ", row 2: it holds byte 0xc5, which is not UTF-8.",
        ),
        (
            "externalOrderId,#x\nA-1,Ánna\n",
            "cp1252",
            ", row 2, #x: it holds byte 0x81, which is not cp1252. Save the f",
        ),
        (TABLE, "utf-16", ": it is not utf-16. Save the file as UTF-8, or"),
    ],
    ids=["header", "json", "cp1252", "utf-16"],
)
def test_where_wrong_bytes_are(
    folder: Folder, content: str | bytes, given: str | None, problem: str
) -> None:
    """The error names row and column, if there are any, and what to do."""
    path = folder.write(content, "a")

    assert refused(path, encoding=given).startswith(f"a{problem}")


@pytest.mark.parametrize("encoding", [None, "utf-16"])
def test_wide_characters(folder: Folder, encoding: str | None) -> None:
    """A "Unicode" file of a spreadsheet is told by its first bytes."""
    raw = TABLE.encode("utf-16-le")
    path = folder.write(codecs.BOM_UTF16_LE + raw + b"\x00\xd8x\x00")
    said = refused(path, encoding=encoding)

    assert said.startswith("orders.csv")
    assert "It looks like UTF-16: give --encoding utf-16." in said


@pytest.mark.parametrize(
    ("start", "problem"),
    [
        (b"PK\x03\x04x", "a spreadsheet or an archive, not a text file."),
        (b"\xd0\xcf\x11\xe0x", "a spreadsheet, not a text file."),
        (b"\x1f\x8bx", "compressed, not a text file."),
        (b"%PDF-1.7", "a PDF, not a text file."),
        (b"", "empty. Write a starting file with sesamy import --template."),
        (b"\n \n", "empty. Write a starting file with sesamy import"),
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

    assert f"{path} can't be read: you may not read it" in refused(path)


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
    assert 'must be "csv" or "jsonl"' in refused(path, format="xml")
    for option in ("delimiter", "mapping"):
        assert "neither a delimiter nor a mapping" in refused(
            path, format="jsonl", **{option: ";"}
        )


def test_a_fingerprint_is_of_all_that_counts(folder: Folder) -> None:
    """Other bytes, or another reading of the same ones, are another file."""
    path, toml = folder.write(TABLE), "[constants]\nownerData.birthday = "
    first = open_source(path).fingerprint()
    others = {
        open_source(path, encoding="latin-1").fingerprint(),
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

    assert 6 == len(others - {first})
    assert first == open_source(path, delimiter=",").fingerprint()


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
