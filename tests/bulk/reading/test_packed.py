"""What is packed is read as it is, or it is said why not."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.reading import _files, open_source
from support.order_files import Folder


TABLE = b"externalOrderId,#x\nA-1,x\n"
LINE = b'{"externalOrderId": "A-1"}\n'


def zipped(**files: bytes) -> bytes:
    """Return an archive, the same at any time."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "columns"),
    [
        ("a.csv.gz", gzip.compress(TABLE, mtime=0), 2),
        ("a.csv", gzip.compress(TABLE, mtime=0), 2),
        ("a.jsonl.gz", gzip.compress(LINE, mtime=0), 0),
        ("a.GZ", gzip.compress(LINE, mtime=0), 0),
        ("a.zip", zipped(**{"b.csv": TABLE}), 2),
        ("a.zip", zipped(**{"x/b.JSONL": LINE}), 0),
        (
            "a.zip",
            zipped(
                **{
                    "x/": b"",
                    "x/b.csv": TABLE,
                    "__MACOSX/x/b.csv": b"x",
                    "x/.DS_Store": b"x",
                }
            ),
            2,
        ),
    ],
)
def test_packed(
    folder: Folder, name: str, content: bytes, columns: int
) -> None:
    """The name inside tells the format; what a computer adds is no file."""
    source = open_source(folder.write(content, name))

    assert columns == len(source.header)
    assert 1 == len([*source.records()])
    assert name == source.name


def encrypted(raw: bytes) -> bytes:
    """Return an archive that says that it is protected."""
    at = raw.index(b"PK\x01\x02") + 8
    return raw[:at] + b"\x01" + raw[at + 1 :]


def other_method(raw: bytes) -> bytes:
    """Return an archive that is packed in an unknown way."""
    at, inner = raw.index(b"PK\x01\x02") + 10, 8
    changed = raw[:at] + b"\x63" + raw[at + 1 :]
    return changed[:inner] + b"\x63" + changed[inner + 1 :]


ZIP = zipped(**{"b.csv": TABLE})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(a=TABLE, b=TABLE, c=b""), "contains 3 files. Unpack it"),
        (zipped(), "is an empty archive: there is no file in it."),
        (encrypted(ZIP), "is protected by a password. Unpack it"),
        (other_method(ZIP), "is packed in a way that can't be read here."),
        (ZIP[:-30], "is a damaged archive, or was not completely copied."),
        (zipped(**{"[Content_Types].xml": b"x", "a": b""}), "is a spreadshe"),
        (zipped(mimetype=b"x"), "is a spreadsheet, not a text file."),
        (
            zipped(a=zipped(mimetype=b"x")),
            "contains a spreadsheet or an archi",
        ),
        (
            gzip.compress(b"\xd0\xcf\x11\xe0", mtime=0),
            "contains a spreadsheet: unpack it",
        ),
        (gzip.compress(b" ", mtime=0), "is empty."),
        (gzip.compress(TABLE, mtime=0)[:-9], "is a damaged archive"),
        (gzip.compress(TABLE, mtime=0) + b"x", "is a damaged archive"),
    ],
)
def test_no_orders_in_it(folder: Folder, content: bytes, said: str) -> None:
    """An archive that is not one file of orders is refused with a reason."""
    for name in ("a.zip", "a.csv"):
        with pytest.raises(InputFileError, match=f"^{name} "):
            open_source(folder.write(content, name))
    with pytest.raises(InputFileError) as caught:
        open_source(folder.path / "a.csv", format="csv")

    assert str(caught.value).startswith(f"a.csv {said}")


@pytest.mark.parametrize("pack", [gzip.compress, lambda raw: zipped(a=raw)])
def test_bomb(
    folder: Folder,
    monkeypatch: pytest.MonkeyPatch,
    pack: Callable[[bytes], bytes],
) -> None:
    """What unpacks to far more than it has is not read to its end."""
    monkeypatch.setattr(_files, "_ALWAYS", 1000)
    path = folder.write(pack(TABLE + b"A-1,x\n" * 1_000_000))

    with pytest.raises(InputFileError, match="unpacks to more than 200 times"):
        [*open_source(path).records()]


def test_changed(folder: Folder) -> None:
    """A packed file must not change while it is read, either."""
    path = folder.write(gzip.compress(TABLE + b"A-2,x\nA-3,x\n", mtime=0))
    records = open_source(path).records()
    next(records)
    path.write_bytes(gzip.compress(TABLE * 2))

    with pytest.raises(InputFileError, match="changed while it was read"):
        next(records)
