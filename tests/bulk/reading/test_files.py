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

    assert said.startswith(f"There is no encoding {name!r}.")
    assert "cp1252" in said


@pytest.mark.parametrize("rows", [1, 5000])
def test_wrong_bytes_are_found(folder: Folder, rows: int) -> None:
    """The row and column are told, however far a decoder reads ahead."""
    text = TABLE + "A-2,x\n" * (rows - 1) + "A-3,Göteborg\nA-4,x\n"
    raw = text.encode().replace("Göteborg".encode(), b"G\xf6teborg")
    said = refused(folder.write(raw))

    assert said.startswith(
        f"orders.csv, row {rows + 2}, userData.fullName: it holds byte 0xf6, "
        "which is not UTF-8. If a spreadsheet wrote the file, try --encoding "
        "cp1252."
    )


@pytest.mark.parametrize(
    ("name", "raw", "where"),
    [
        ("a.csv", "Länk,externalOrderId\nx,A-1\n".encode("cp1252"), (1, 0xE4)),
        (
            "a.jsonl",
            f"{ROW}\n".encode() + ROW.encode("cp1252"),
            (2, 0xC5),
        ),
    ],
)
def test_wrong_bytes_without_a_column(
    folder: Folder, name: str, raw: bytes, where: tuple[int, int]
) -> None:
    """In a header, or a line of JSON, only the row is told."""
    row, byte = where

    assert refused(folder.write(raw, name)).startswith(
        f"{name}, row {row}: it holds byte 0x{byte:02x}, which is not UTF-8."
    )


def test_wrong_bytes_of_another_encoding(folder: Folder) -> None:
    """Who gave an encoding is told that it is another one."""
    path = folder.write("externalOrderId,#x\nA-1,Ánna\n")

    assert refused(path, encoding="cp1252").startswith(
        "orders.csv, row 2, #x: it holds byte 0x81, which is not cp1252. Save "
        "the file as UTF-8, or give the right --encoding."
    )
    assert refused(path, encoding="utf-16").startswith(
        "orders.csv: it is not utf-16. Save the file as UTF-8, or give"
    )


@pytest.mark.parametrize("encoding", [None, "utf-16"])
def test_wide_characters(folder: Folder, encoding: str | None) -> None:
    """A "Unicode" file of a spreadsheet is told by its first bytes."""
    raw = TABLE.encode("utf-16-le")
    path = folder.write(codecs.BOM_UTF16_LE + raw + b"\x00\xd8x\x00")
    said = refused(path, encoding=encoding)

    assert said.startswith("orders.csv")
    assert "It looks like UTF-16: give --encoding utf-16." in said


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04x", "a spreadsheet or an archive"),
        (b"\xd0\xcf\x11\xe0x", "a spreadsheet"),
        (b"\x1f\x8bx", "compressed"),
        (b"%PDF-1.7", "a PDF"),
    ],
)
def test_files_that_are_no_text(
    folder: Folder, start: bytes, what: str
) -> None:
    """A spreadsheet's own format is not read."""
    assert f"orders.csv is {what}, not a text file." in refused(
        folder.write(start)
    )


@pytest.mark.parametrize("content", ["", "\n\n", " "])
def test_empty_files(folder: Folder, content: str) -> None:
    """Who has nothing yet is told how to start."""
    said = refused(folder.write(content))

    assert said.startswith("orders.csv is empty.")
    assert "sesamy import --template" in said


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """A missing file, a folder and a pipe are told apart."""
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)

    assert "there is no such file" in refused(tmp_path / "x.csv")
    assert "it is a directory" in refused(tmp_path)
    assert "it is no regular file" in refused(str(pipe))


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOENT, "there is no such file"),
        (errno.EACCES, "you may not read it"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_files_that_can_not_be_read(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, number: int, reason: str
) -> None:
    """The reason is that of the system, in words."""
    path = folder.write(TABLE)

    def failing(*_: object) -> None:
        raise OSError(number, "Input/output error")

    monkeypatch.setattr(Path, "open", failing)

    assert f"{path} can't be read: {reason}" in refused(path)


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


def test_a_format_may_be_given(folder: Folder) -> None:
    """A name may have any ending."""
    path = folder.write(ROW)

    assert 1 == len(orders(open_source(path, format="jsonl")))
    assert 'must be "csv" or "jsonl"' in refused(path, format="xml")


@pytest.mark.parametrize("option", ["delimiter", "mapping"])
def test_options_that_json_lines_have_not(folder: Folder, option: str) -> None:
    """What would have no effect is a mistake."""
    path = folder.write(ROW, "orders.jsonl")

    assert "neither a delimiter nor a mapping" in refused(
        path, **{option: ";"}
    )


def test_a_fingerprint_is_of_all_that_counts(folder: Folder) -> None:
    """Other bytes, or another reading of the same ones, are another file."""
    path = folder.write(TABLE)
    mapping = folder.write(
        "[constants]\nownerData.birthday = 1980-05-17\n", "m"
    )
    sources = [
        open_source(path),
        open_source(path, encoding="latin-1"),
        open_source(path, mapping=mapping),
        open_source(path, allow_unknown=True),
        open_source(folder.write(ROW, "a.jsonl")),
    ]
    prints = {source.fingerprint() for source in sources}
    prints.add(open_source(folder.write(TABLE + "A-2,x\n")).fingerprint())

    assert 6 == len(prints)
    path = folder.write(TABLE)
    [same] = {
        open_source(path).fingerprint(),
        open_source(path, delimiter=",").fingerprint(),
    }

    assert same in prints


ROWS = [f"A-{number},Kim" for number in range(5)]


@pytest.mark.parametrize("rows", [ROWS[:2], [*ROWS, "A-9,Bo"]])
def test_written_to(folder: Folder, rows: list[str]) -> None:
    """What comes after it is of another file than what was checked."""
    source = folder.csv("externalOrderId,userData.fullName", *ROWS)
    records = source.records()
    first = next(records)
    folder.csv("externalOrderId,userData.fullName", *rows)
    with pytest.raises(InputFileError, match=r"orders\.csv changed while"):
        next(records)

    assert 2 == first.number


def test_replaced(folder: Folder) -> None:
    """Where another file takes the name, the first one is read on."""
    source = folder.csv("externalOrderId,userData.fullName", *ROWS)
    records = source.records()
    next(records)
    folder.write("externalOrderId\n", "other.csv").replace(
        folder.path / "orders.csv"
    )

    assert [3, 4, 5, 6] == [each.number for each in records]
