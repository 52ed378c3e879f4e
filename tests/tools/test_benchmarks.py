"""The benchmarks run, and what they leave is well formed."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from threading import Thread

import pytest

from benchmarks import goals, page, results
from benchmarks.pairing import Spread, joined, orders, ratios
from benchmarks.payload import ANSWER
from benchmarks.places import processes
from benchmarks.places import report as places
from benchmarks.places.engines import rate
from benchmarks.plots import SEEN_OF_A_PACE, rows_below
from benchmarks.report import report
from benchmarks.serving import compiled, serving


ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "performance.md"
BURSTS_PAGE = ROOT / "docs" / "retries-deadlines-pace.md"
PROOF_PAGE = ROOT / "docs" / "reliability.md"
PLACES_PAGE = ROOT / "docs" / "scaling.md"
LATEST = ROOT / "benchmarks" / "results" / "latest.json"
PLACES = ROOT / "benchmarks" / "results" / "places.json"


def test_tables_that_are_drawn() -> None:
    """The pages have the tables of which there are plots."""
    bursts = [*rows_below(BURSTS_PAGE, "### Bursts")]
    pace = [*rows_below(PROOF_PAGE, "### one-pace")]

    assert {"calls at once", "deadline", "confirmed", "not sent"} <= {
        *bursts[0]
    }
    assert {"0"} == {row["created, not confirmed"] for row in bursts}
    assert [row for row in pace if SEEN_OF_A_PACE.search(row["seen"])]


def test_plots() -> None:
    """Each plot is shown by a page, and can be read in light and dark mode."""
    pages = "".join(
        page.read_text(encoding="utf-8") for page in PAGE.parent.glob("*.md")
    )
    plots = [*(PAGE.parent / "plots").iterdir()]

    assert len(plots) == 6
    for plot in plots:
        assert f"](plots/{plot.name})" in pages
        assert "prefers-color-scheme: dark" in plot.read_text(encoding="utf-8")


def test_the_page_is_that_of_the_results() -> None:
    """docs/performance.md shows benchmarks/results/latest.json."""
    text = PAGE.read_text(encoding="utf-8")

    assert page.with_tables(text, report(results.read(LATEST))) == text


def test_the_page_on_places_is_that_of_its_results() -> None:
    """docs/scaling.md shows benchmarks/results/places.json."""
    text = PLACES_PAGE.read_text(encoding="utf-8")
    kept = results.read(PLACES)

    assert "full" == kept["scale"]["name"] == kept["engines"]["scale"]["name"]
    assert page.with_tables(text, places.report(kept)) == text


def test_figures_of_a_place_that_was_not_measured() -> None:
    """Stores and engines are also reported without the other ones."""
    kept = results.read(PLACES)
    found = kept.pop("engines")
    stores, engines = places.report(kept), places.report({"engines": found})

    assert 3 == stores.count("\n| Postgres |")
    assert "Celery" not in stores
    for each in ("none", "taskiq", "Celery", "Temporal"):
        assert 2 <= engines.count(f"\n| {each} |")
    assert "SQLite" not in engines


def test_orders_per_second() -> None:
    """They count from the first one that was done."""
    assert 2.0 == rate([10.0, 10.4, 10.6, 11.5])


def test_what_processes_take(tmp_path: Path) -> None:
    """All that one has started counts, except for what has ended."""
    ticks = os.sysconf("SC_CLK_TCK")
    for pid, parent in ((7, 1), (8, 7), (9, 8), (10, 1)):
        folder = tmp_path / str(pid)
        folder.mkdir()
        times = f"{ticks} {ticks} {2 * ticks} 0"
        (folder / "stat").write_text(
            f"{pid} (a (b) 3) S {parent} 0 0 0 0 0 0 0 0 0 {times} 20 0"
        )
        (folder / "status").write_text("Name:\ta\nVmRSS:\t  2048 kB\n")
        (folder / "smaps_rollup").write_text("Rss: 2048 kB\nPss: 512 kB\n")
    ended = tmp_path / "9"
    (ended / "status").write_text("Name:\ta\n")
    (ended / "smaps_rollup").unlink()
    pids = processes.family(7, tmp_path)

    assert [7, 8, 9] == pids
    assert 12.0 == processes.used([*pids, 99], tmp_path)
    assert 4.0 == processes.resident([*pids, 99], tmp_path)
    assert 1.0 == processes.proportional(pids, tmp_path)


def test_a_full_run_is_kept() -> None:
    """A short one has not replaced it, and it judges the goals of today."""
    latest = results.read(LATEST)
    today = goals.goals(latest["measured"], latest["scale"]["cancellations"])

    assert "full" == latest["scale"]["name"]
    assert [goal.what for goal in today] == [
        goal["what"] for goal in latest["goals"]
    ]
    assert [goal.reached for goal in today] == [
        goal["reached"] for goal in latest["goals"]
    ]


@pytest.mark.parametrize("language", ["C", "Python"])
def test_a_server_answers_each_request_once(
    language: str, tmp_path: Path
) -> None:
    """However they are cut, and also when nobody reads for a while."""
    program = compiled(tmp_path) if language == "C" else ""
    if language == "C" and not program:
        pytest.skip("There is no compiler.")
    with (
        serving(None, program=program) as target,
        socket.create_connection((target.host, target.port)) as connection,
    ):
        sending = Thread(
            target=connection.sendall, args=(4_000 * target.raw,), daemon=True
        )
        sending.start()
        sending.join(0.1)
        expected = 4_000 * ANSWER
        with connection.makefile("rb") as answers:
            assert expected == answers.read(len(expected))


def test_the_server_in_c_takes_no_more_than_its_buffer_holds(
    tmp_path: Path,
) -> None:
    """A request that is larger is refused by closing the connection."""
    program = compiled(tmp_path)
    if not program:
        pytest.skip("There is no compiler.")
    with serving(None, program=program) as target:
        for request in (
            b"POST / HTTP/1.1\r\nContent-Length: 99999\r\n\r\n",
            16_384 * b"x",
        ):
            with socket.create_connection(
                (target.host, target.port)
            ) as connection:
                connection.sendall(request)
                assert not connection.recv(1)


def test_ratios_are_of_the_same_block() -> None:
    """A slow moment that hit both does not show.

    A peer that answered nothing gives no ratio.
    """
    assert [2.0, 2.0] == ratios([2.0, 3.0, 4.0], [1.0, 0.0, 2.0])


def test_a_spread_is_of_all_figures() -> None:
    """Median, quartiles and ends."""
    expected = Spread(median=3.0, q1=2.0, q3=4.0, low=1.0, high=5.0, count=5)

    assert expected == Spread.of([5.0, 1.0, 4.0, 2.0, 3.0])


def test_each_block_has_everybody_once_in_an_order_of_its_own() -> None:
    """The orders differ, and are the same for the same seed."""
    names = ["a", "b", "c", "d"]
    blocks = [*orders(names, 20, seed=1)]

    assert all(names == sorted(block) for block in blocks)
    assert len({tuple(block) for block in blocks}) > 1
    assert blocks == [*orders(names, 20, seed=1)]


def test_processes_are_joined_block_by_block() -> None:
    """The n-th figures of two contestants stay those of one block."""
    parts = [{"a": [1.0], "b": [2.0]}, {"a": [3.0], "b": [4.0]}]

    assert {"a": [1.0, 3.0], "b": [2.0, 4.0]} == joined(parts)


def test_only_what_is_between_the_markers_is_written() -> None:
    """The prose around the tables stays."""
    text = f"before\n{page.BEGIN}\nold\n{page.END}\nafter\n"
    once = page.with_tables(text, "| new |")

    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "old" not in once
    assert once == page.with_tables(once, "| new |")


@pytest.mark.parametrize(
    ("sign", "median", "reached"),
    [
        ("≤", 1.0, True),
        ("≤", 1.1, False),
        ("≥", 1.0, True),
        ("≥", 0.9, False),
        ("≤", None, None),
    ],
)
def test_a_goal_is_reached_by_its_median(
    sign: str, median: float | None, reached: bool | None
) -> None:
    """On the bound is reached; what was not measured is neither."""
    now = None if median is None else Spread.of([median])

    assert (
        reached is goals.Goal(what="", sign=sign, bound=1.0, now=now).reached
    )
