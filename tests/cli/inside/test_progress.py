"""An import shows how far it is, on any stderr, and stops for none."""

from __future__ import annotations

import io
import os
import sys
from io import StringIO

import attrs
import pytest

from sesamy_async._cli.import_progress import counting, line, watching
from sesamy_async.bulk import Progress


HALF = Progress(
    rows=200,
    done=90,
    rejected=7,
    unknown=3,
    strays=2,
    seconds=61.0,
    rate=4.94,
    permitted=5.0,
    left=75.0,
)
EVIL = "a\x1b]0;evil\x07[/b]\x9b"
SHOWN = r"a\x1b]0;evil\x07[/b]\x9b"


@pytest.mark.parametrize(
    ("facts", "told"),
    [
        (
            {},
            (
                "4.9 calls/s (5 permitted on average) · 7 rejected"
                " · 3 unknown · 2 strays at most · 1 min 15 s left"
            ),
        ),
        (
            {"paused": "no network", "strays": 0},
            "paused: no network · 7 rejected · 3 unknown",
        ),
        (
            {"permitted": None, "left": None, "strays": 0},
            "4.9 calls/s · 7 rejected · 3 unknown",
        ),
    ],
    ids=["running", "paused", "no limit"],
)
def test_line(facts: dict[str, object], told: str) -> None:
    """A line of a log has all that is worth knowing."""
    progress = attrs.evolve(HALF, **facts)  # type: ignore[arg-type]

    assert f"After 1 min 1 s: 100 of 200 rows · {told}" == line(progress)


def test_log_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """There is a line a minute, and one for each pause and its end."""
    with watching("orders.csv") as watch:
        for seconds, paused in [
            (0, None),
            (30, None),
            (60, None),
            (61, None),
            (70, "no network"),
            (80, "no network"),
            (90, None),
            (120, None),
        ]:
            watch.show(attrs.evolve(HALF, seconds=seconds, paused=paused))
    lines = capsys.readouterr().err.splitlines()

    assert [each.partition(":")[0] for each in lines] == [
        "After 1 min 0 s",
        "After 1 min 10 s",
        "After 1 min 30 s",
        "After 2 min 0 s",
    ]


def test_log_is_safe(capsys: pytest.CaptureFixture[str]) -> None:
    """A log that is read on a terminal steers none, and is not wrapped."""
    with watching("orders.csv") as watch:
        watch.say(f"{EVIL} {'x' * 200}")

    assert f"{SHOWN} {'x' * 200}\n" == capsys.readouterr().err


class Gone(io.StringIO):
    """A terminal whose window is closed."""

    def write(self, text: str) -> int:
        """Fail as the system does."""
        del text
        raise OSError(5, os.strerror(5))

    def isatty(self) -> bool:
        """Say that it is one all the same."""
        return True


def closed() -> StringIO:
    """Return a stream that takes nothing."""
    stream = StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    "stderr", [None, closed(), Gone()], ids=["none", "closed", "gone"]
)
@pytest.mark.parametrize("color", ["", "1"])
def test_gone(
    monkeypatch: pytest.MonkeyPatch, stderr: StringIO | None, color: str
) -> None:
    """A stderr that takes nothing stops neither a check nor an import."""
    monkeypatch.setenv("FORCE_COLOR", color)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", stderr)
    with counting("Checking") as on_rows:
        if on_rows is not None:
            on_rows(1_000)
    with watching("orders.csv") as watch:
        watch.show(attrs.evolve(HALF, seconds=60.0))
        watch.say("Stopping")


def test_bar(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A terminal gets a bar with facts; no text steers it, or is markup."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with watching("orders.csv") as watch:
        watch.say("Going on")
        watch.show(HALF)
    told = capsys.readouterr().err
    with watching(EVIL) as watch:
        watch.show(Progress(rows=2, paused=EVIL))
        watch.say(EVIL)
    evil = capsys.readouterr().err
    with counting(EVIL) as on_rows:
        assert on_rows is not None
        on_rows(1_000)
    counted = capsys.readouterr().err

    assert "Going on" in told
    assert "100 of 200" in told
    assert "4.9 calls/s (5 permitted on average)" in told
    assert 3 == evil.count(SHOWN)
    assert SHOWN in counted
    assert "\x1b]0;" not in f"{evil}{counted}"
