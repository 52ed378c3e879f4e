"""A file takes its place only when it is whole."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from sesamy_async.bulk.reports import ReportError
from sesamy_async.bulk.reports.draft import write_text


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
