"""A file takes its place only when it is whole."""

from __future__ import annotations

import errno
import io
import stat
from pathlib import Path

import attrs
import pytest

from sesamy_async._files import AtomicFile
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk.reports import Place, ReportError, write_reports
from sesamy_async.bulk.reports._files import write_text
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
    monkeypatch.setattr(AtomicFile, "open", lambda *_: Full())
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


def test_text_on_a_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A text that is not written whole leaves what was there."""
    path = tmp_path / "page.html"
    path.write_text("old")
    monkeypatch.setattr(AtomicFile, "open", lambda *_: Full())
    with pytest.raises(ReportError, match="No space left"):
        write_text(path, "kim")

    assert "old" == path.read_text("utf-8")
    assert [path] == [*tmp_path.iterdir()]
