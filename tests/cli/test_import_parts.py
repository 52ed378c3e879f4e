"""The small parts of ``sesamy import``."""

from __future__ import annotations

import signal
import sys
from io import StringIO

import attrs
import pytest
from rich.console import Console

from sesamy_async._call import RateLimit
from sesamy_async._cli.import_check import estimate, seconds_for
from sesamy_async._cli.import_job import Presses, heeding
from sesamy_async._cli.import_progress import (
    LogProgress,
    counting,
    moment,
    picture,
    watching,
)
from sesamy_async._cli.output import ExitCode, exit_code_of_import
from sesamy_async.bulk import Confirm, Ending, ImportSummary, Progress


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


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({}, ExitCode.DONE),
        ({"rejected": 1}, ExitCode.REJECTED),
        ({"rejected": 1, "unknown": 1}, ExitCode.LOOK),
        (
            {"unknown": 1, "unprocessed": 1, "ending": Ending.OUTAGE},
            ExitCode.FAILED,
        ),
        ({"unprocessed": 1, "ending": Ending.REFUSED}, ExitCode.FAILED),
        ({"unprocessed": 1, "ending": Ending.JOURNAL}, ExitCode.FAILED),
        (
            {"unprocessed": 1, "ending": Ending.INTERRUPTED},
            ExitCode.INTERRUPTED,
        ),
    ],
)
def test_exit_codes(facts: dict[str, object], code: ExitCode) -> None:
    """What can go on comes first, then what to look at, then what to mend."""
    summary = attrs.evolve(ImportSummary(rows=9), **facts)  # type: ignore[arg-type]

    assert code is exit_code_of_import(summary)


@pytest.mark.parametrize(
    ("orders", "confirm", "seconds"),
    [
        (250, Confirm.SEPARATELY, 0),
        (251, Confirm.SEPARATELY, 0.4),
        (100_000, Confirm.SEPARATELY, 39_900),
        (100_000, Confirm.AT_ONCE, 19_900),
        (100_000, Confirm.NO, 19_900),
    ],
)
def test_estimate(orders: int, confirm: Confirm, seconds: float) -> None:
    """The calls beyond the burst go at the permitted rate."""
    assert seconds == pytest.approx(seconds_for(orders, confirm, RateLimit()))


def test_estimate_in_words() -> None:
    """A hundred thousand orders, created and confirmed, take 11 hours."""
    assert (
        "200,000 calls; at least 11 h 5 min at the permitted 5 per second"
        == estimate(100_000, Confirm.SEPARATELY)
    )


def test_moment() -> None:
    """A log line has all that is worth knowing."""
    assert moment(HALF) == (
        "After 1 min 1 s: 100 of 200 rows · 4.9 calls/s (5 permitted on "
        "average) · 7 rejected · 3 unknown · 2 strays at most · 1 min 15 s "
        "left"
    )


def test_paused() -> None:
    """While it pauses, the reason stands where the rate was."""
    paused = attrs.evolve(HALF, paused="no network", strays=0)

    assert moment(paused) == (
        "After 1 min 1 s: 100 of 200 rows · paused: no network · 7 rejected "
        "· 3 unknown"
    )


def test_no_limit() -> None:
    """Where no rate is known, none is named."""
    free = attrs.evolve(HALF, permitted=None, left=None, strays=0)

    assert moment(free).endswith("rows · 4.9 calls/s · 7 rejected · 3 unknown")


def test_log_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """There is a line a minute, and one for each pause and its end."""
    log = LogProgress()
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
        log.show(attrs.evolve(HALF, seconds=seconds, paused=paused))
    lines = capsys.readouterr().err.splitlines()

    assert [line.partition(":")[0] for line in lines] == [
        "After 1 min 0 s",
        "After 1 min 10 s",
        "After 1 min 30 s",
        "After 2 min 0 s",
    ]


def test_closed_stderr(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stderr that takes nothing stops no import."""
    for broken in (None, closed()):
        monkeypatch.setattr(sys, "stderr", broken)
        LogProgress().say("still here")


def closed() -> StringIO:
    """Return a stream that takes nothing."""
    stream = StringIO()
    stream.close()
    return stream


def drawn(*progress: Progress, name: str = "orders.csv") -> str:
    """Return what a terminal shows."""
    console = Console(file=StringIO(), width=80, force_terminal=True)
    with console.capture() as capture:
        for each in progress:
            console.print(picture(name, each))
    return capture.get()


def test_bar() -> None:
    """The bar has a line of counts, and one of facts."""
    shown = drawn(HALF)

    assert "100 of 200" in shown
    assert "4.9 calls/s (5 permitted on average)" in shown


def test_bar_reads_no_markup() -> None:
    """A name or a reason is shown as it is."""
    shown = drawn(
        attrs.evolve(HALF, paused="[red]x[/red]"), name="[bold]a[/bold].csv"
    )

    assert "[bold]a[/bold].csv" in shown
    assert "[red]x[/red]" in shown


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """Let stderr be a terminal."""
    file = StringIO()

    def console(**_: object) -> Console:
        return Console(file=file, width=80, force_terminal=True)

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sesamy_async._cli.import_progress.Console", console)
    return file


def test_watch_on_a_terminal(terminal: StringIO) -> None:
    """A terminal gets the bar, and what else is said above it."""
    with watching("orders.csv") as watch:
        watch.say("[not markup]")
        watch.show(HALF)

    assert "[not markup]" in terminal.getvalue()
    assert "100 of 200" in terminal.getvalue()


def test_counting_on_a_terminal(terminal: StringIO) -> None:
    """A terminal sees how many rows were checked."""
    with counting("Checking orders.csv") as on_rows:
        assert on_rows is not None
        on_rows(120_000)

    assert "Checking orders.csv" in terminal.getvalue()


def test_presses_are_not_lost() -> None:
    """A press that comes before anything can be stopped counts too."""
    presses, done = Presses(), list[str]()
    with heeding(presses):
        presses.nothing()
        signal.raise_signal(signal.SIGINT)
        presses.then(lambda: done.append("stop"), lambda: done.append("now"))
        first = [*done]
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)

    assert ["stop"] == first
    assert ["stop", "now"] == done
    assert 3 == presses.count


def test_presses_end() -> None:
    """Once it is over, a press does nothing, and Ctrl-C is Ctrl-C again."""
    before = signal.getsignal(signal.SIGINT)
    presses, done = Presses(), list[str]()
    with heeding(presses):
        presses.then(lambda: done.append("stop"))
        presses.nothing()
        signal.raise_signal(signal.SIGINT)

    assert [] == done
    assert before == signal.getsignal(signal.SIGINT)
