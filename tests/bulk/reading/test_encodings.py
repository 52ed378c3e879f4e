"""The encoding of a file is found out, or it is said why not."""

from __future__ import annotations

import itertools

import pytest

from sesamy_async.bulk import InputFileError, Source
from sesamy_async.bulk._rows import Note, Remark
from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reading._encodings import (
    find_out,
    is_utf_8,
    wide,
)
from sesamy_async.bulk.reading._json import JsonSource
from sesamy_async.bulk.reading._table import TableSource
from support.order_files import Folder


def notes_of(source: Source) -> tuple[Note, ...]:
    """Return what was found out about a file as a whole."""
    assert isinstance(source, (TableSource, JsonSource))
    return source.notes


WORDS = {
    "Swedish": "Åsa Öberg;Märta Sjöqvist;HÅKAN ÅSTRÖM;Växjö;10\xa0000",
    "Danish": "Søren Kjær;Åse;København;Ærø;RENÉ KJÆR",
    "Norwegian": "Øystein Bjørnsen;Bærum;Tromsø;Håkon;Ålesund",
    "Finnish": "Päivi Hämäläinen;Jyväskylä;Töölö;Åke",
    "Icelandic": "Guðrún Þórðardóttir;Ísafjörður;Reykjavík;Ásta Æsa",
    "German": "Jürgen Weiß;München;Köln;Schäfer;Königstraße",
    "French": "Hélène Lefèvre;François;Orléans;Benoît Noël",
    "Polish": "Łukasz Wiśniewski;Małgorzata Dąbrowska;Łódź;Gdańsk",
    "Czech": "Jiří Dvořák;Růžena Němcová;Plzeň;České Budějovice",
    "Lithuanian": "Šarūnas Žukauskas;Rūta;Panevėžys;Klaipėda",
}
WESTERN = ("cp1252", "cp850", "mac_roman")


@pytest.mark.parametrize(
    ("language", "encoding"),
    [
        *itertools.product([*WORDS][:4], WESTERN),
        *itertools.product(["Icelandic"], WESTERN[:2]),
        *itertools.product(["German", "French"], WESTERN),
        *itertools.product(["Polish", "Czech"], ["cp1250", "iso8859_2"]),
        ("Lithuanian", "cp1257"),
    ],
)
def test_languages(language: str, encoding: str) -> None:
    """The letters of a language tell the encoding."""
    words = WORDS[language]
    raw = words.encode(encoding, "ignore")
    found = find_out([raw])

    assert found.rival is None
    assert raw.decode(found.encoding or "") == raw.decode(encoding)


@pytest.mark.parametrize(
    ("word", "encoding"),
    [
        ("Åsa", "cp1252"),
        ("Åsa", "cp850"),
        ("Åsa", "mac_roman"),
        ("BJÖRN", "cp850"),
        ("Pär Björn", "mac_roman"),
        ("Sørensen", "cp1252"),
        ("10 €", "cp1252"),
        ("Œuf Lœw", "iso8859_15"),
        ("“Kim\u2019s”", "cp1252"),
        ("1½", "cp1252"),
        ("10\xa0000", "cp1252"),
    ],
)
def test_one_word(word: str, encoding: str) -> None:
    """A single word may be enough."""
    found = find_out([word.encode(encoding)])

    assert (word, None) == (
        word.encode(encoding).decode(found.encoding or ""),
        found.rival,
    )


def test_mostly_utf_8() -> None:
    """A few wrong bytes do not make another encoding of UTF-8."""
    raw = "Åsa Öberg\n".encode() * 9 + "Åsa Öberg".encode("cp1252")

    assert "utf-8-sig" == find_out([raw]).encoding


@pytest.mark.parametrize(
    ("raw", "right", "plain"),
    [
        ([b"abc"], True, True),
        ([b"ab\xc3", b"\xa5"], True, False),
        ([b"ab\xc3", b"x"], False, False),
        ([b"ab\xc3"], False, False),
    ],
)
def test_utf_8(raw: list[bytes], *, right: bool, plain: bool) -> None:
    """A letter may be cut by the end of a part, but not by that of all."""
    assert (right, plain) == is_utf_8(raw)


@pytest.mark.parametrize(
    ("raw", "encoding"),
    [
        ("externalOrderId".encode("utf-16-le"), "utf-16-le"),
        ("externalOrderId".encode("utf-16-be"), "utf-16-be"),
        ("externalOrderId".encode("utf-32-be"), None),
        (b"externalOrderId" + bytes(4000), None),
        (b"", None),
    ],
)
def test_wide(raw: bytes, encoding: str | None) -> None:
    """UTF-16 without a mark is told by its zeros, unless they are padding."""
    assert encoding == wide(raw)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (
            b"#x;externalOrderId\nAngela Pe\xe1;A-1\n",
            ", row 2, column 1: a letter is 'á' if the file is cp1252, and",
        ),
        # A "š" of Windows, or an "ö" of a Mac.
        (b"externalOrderId;#x\nA-1;Bj\x9arn", ", row 2, column 2: a letter"),
        (b'{"a": 1}\n{"a": "Pe\xe1"}', ", row 2: a letter is 'á' if the"),
        (
            "#x;externalOrderId\n\u041c\u043e\u0441\u043a\u0432\u0430;A-1".encode(
                "cp1251"
            ),
            None,
        ),
    ],
    ids=itertools.count(),
)
def test_unclear(folder: Folder, raw: bytes, said: str | None) -> None:
    """If two encodings are as good, the place is told, and not the cell."""
    path = folder.write(raw, "a")
    with pytest.raises(InputFileError) as caught:
        open_source(path)

    assert str(caught.value).startswith(
        f"a{said}" if said else "The encoding of a can't be found out. Save"
    )
    assert "Pe" not in str(caught.value)


@pytest.mark.parametrize("rows", [1, 3])
def test_what_was_found_is_shown(folder: Folder, rows: int) -> None:
    """Two cells show whether the encoding that was found is right."""
    text = "externalOrderId,#x\nA-0,Kim\n" + "A-1,Åsa\n" * rows
    source = open_source(folder.write(text.encode("cp850")))
    remark = Remark("the file is read as cp850")

    assert tuple(
        Note(row, "", remark, "Åsa", "Åsa")
        for row in range(3, 3 + min(rows, 2))
    ) == notes_of(source)


@pytest.mark.parametrize(
    ("text", "encoding", "notes"),
    [
        ("externalOrderId\nÅ", "utf-8", ()),
        ("externalOrderId\nA", "cp1252", (0,)),
        ('{"externalOrderId": "Å"}', "cp850", (1,)),
        ("externalOrderId,#x\nA,\ufffd", "utf-16", (2,)),
    ],
)
def test_notes(
    folder: Folder, text: str, encoding: str, notes: tuple[int, ...]
) -> None:
    """Nothing is said of UTF-8."""
    path = folder.write(text.encode(encoding), "a")
    given = None if encoding in {"utf-8", "cp850"} else encoding

    assert notes == tuple(
        note.row for note in notes_of(open_source(path, encoding=given))
    )
