"""A file takes its place only when it is whole."""

from __future__ import annotations

import errno
import io
import os
import stat
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk._rows import Row
from sesamy_async.bulk.reports import Place, ReportError, write_reports
from sesamy_async.bulk.reports._files import AtomicFile, write_text
from support.leaks import told_by
from support.reported import (
    FINGERPRINT,
    HEADER,
    SOME,
    source_for,
    summary_of,
)


class Full(io.StringIO):
    """A disk that has room for headers only."""

    def write(self, text: str, /) -> int:
        """Take no person."""
        if "kim" in text:
            raise OSError(errno.ENOSPC, "No space left on device")
        return len(text)


@pytest.mark.parametrize("header", [HEADER, ()])
def test_rows_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: tuple[str, ...]
) -> None:
    """The error shows no row, not even in the locals of its traceback."""

    def begin(path: Path, encoding: str = "utf-8") -> AtomicFile:
        made = draft(path, encoding)
        made.file.close()
        return attrs.evolve(made, file=Full())

    draft = AtomicFile.begin
    monkeypatch.setattr(AtomicFile, "begin", begin)
    entries = SOME[1:2]
    source = attrs.evolve(source_for(entries), header=header)
    if not header:
        source = attrs.evolve(source, lines=[Row(3, ('{"name": "kim"}',))])
    with pytest.raises(ReportError, match="No space left") as caught:
        write_reports(
            source,
            entries,
            summary_of(entries),
            Place(tmp_path, "orders"),
            fingerprint=FINGERPRINT,
        )

    assert "kim" not in told_by(caught.value)
    assert [] == [*tmp_path.iterdir()]


def test_text_is_written_whole(tmp_path: Path) -> None:
    """A text replaces what is there, for this user only."""
    path = tmp_path / "page.html"
    path.write_text("old")
    write_text(path, "Åre")

    assert "Åre" == path.read_text("utf-8")
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == [*tmp_path.iterdir()]


@pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="there is no /dev/full"
)
def test_text_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that is not written whole leaves what was there."""
    path = tmp_path / "page.html"
    path.write_text("old")
    full = os.open("/dev/full", os.O_WRONLY)
    beside = tmp_path / "beside"
    monkeypatch.setattr("tempfile.mkstemp", lambda **_: (full, str(beside)))
    with pytest.raises(ReportError, match="No space left"):
        write_text(path, "new" * 100_000)

    assert "old" == path.read_text("utf-8")
