"""The problems of a file hold nothing personal."""

from __future__ import annotations

import errno
import io
import json
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source
from support.leaks import told_by
from support.order_files import Folder, wrong


CANARY = "CANARY"
HEADER = "externalOrderId,userData.fullName\n"
ROW = f"A-1,{CANARY}\n"
LINE = json.dumps({"externalOrderId": "A-1", "userData": {"co": CANARY}})
LONG = CANARY * 200_000
BROKEN = {
    "first.csv": f'"{CANARY}"{CANARY}\n{ROW}',
    "long.csv": f"{HEADER}{ROW}A-2,{LONG}\n",
    "bytes.csv": f"{HEADER}{ROW}A-2,{CANARY}å\udcf6\n",
    "letter.csv": f"{HEADER}{ROW}A-2,{CANARY} Pe\udce1\n",
    "header.csv": ROW * 2,
    "comma.json": f"[{LINE} {LINE}]",
    "quote.json": f'[{LINE}, {{"{CANARY}" 1}}]',
    "long.json": f'[{LINE}, {{"{LONG}": ',
    "cut.json": f"[{LINE}, ",
    "more.json": f'[{LINE}] "{CANARY}"',
    "values.json": f'{{"x": {{"y": "{CANARY}"}}, "orders": [\n{LINE}]}}',
    "bytes.jsonl": f"{LINE}å\n{LINE}\udcf6\n",
    "long.jsonl": f"{LINE}\n{LONG}\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_errors(folder: Folder, name: str) -> None:
    """No cell is in an error, nor in a local of its traceback."""
    raw = BROKEN[name].encode(errors="surrogateescape")
    path = folder.write(raw, name)
    with pytest.raises(InputFileError) as caught:
        check(open_source(path), promo_code="S")

    assert CANARY not in told_by(caught.value)


class Failing(io.FileIO):
    """A file on a disk that fails once it was read from."""

    reads = 0

    def readinto(self, into: Any, /) -> int | None:
        """Read it once."""
        self.reads += 1
        if self.reads > 1:
            raise OSError(errno.EIO, "Input/output error")
        return super().readinto(into)


@pytest.mark.parametrize(
    ("name", "text"),
    [("a.csv", f"{HEADER}{ROW * 9}"), ("a.jsonl", f"{LINE}\n" * 9)],
)
def test_a_disk_that_fails(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    """If the file can't be read on, the row before is not in the error."""
    source = open_source(folder.write(text, name))
    monkeypatch.setattr(
        Path, "open", lambda path, _: io.BufferedReader(Failing(path))
    )
    with pytest.raises(InputFileError, match="Input/output") as caught:
        check(source, promo_code="S")

    assert CANARY not in told_by(caught.value)


@pytest.mark.parametrize(
    "row",
    [
        f"{CANARY},0,{CANARY},{CANARY},{CANARY},{CANARY}\x07",
        f" {CANARY},1,,,,",
        f"A-1,1,{CANARY}",
    ],
)
def test_problems(folder: Folder, row: str) -> None:
    """No reason holds the cell that it is about."""
    source = folder.csv(
        "externalOrderId,quantity,userData.email,userData.birthday,"
        "paymentProvider,promoCode",
        row,
    )

    assert wrong(source)
    assert CANARY not in f"{wrong(source)}"


def test_problems_of_json(folder: Folder) -> None:
    """No reason holds the value in JSON that it is about."""
    user = {"email": CANARY, "birthday": CANARY, "phone": [CANARY]}
    source = folder.jsonl(
        {"externalOrderId": "A", "paymentMethod": CANARY, "userData": user},
        f'{{"externalOrderId": "{CANARY}',
        f'"{CANARY}"',
    )

    assert 6 == len(wrong(source))
    assert CANARY not in f"{wrong(source)}"
