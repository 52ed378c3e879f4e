"""``python -m benchmarks.bulk``: measure imports, and print the table."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

from benchmarks import page
from benchmarks.machine import machine
from benchmarks.payload import ROOT

from . import memory, pace, throughput
from .memory import Memory
from .pace import Pace
from .throughput import Throughput


_PAGE = ROOT / "docs" / "bulk-performance.md"
_MB = 20


def main() -> None:
    """Measure, print, and keep the figures of a full run."""
    parser = argparse.ArgumentParser("python -m benchmarks.bulk")
    parser.add_argument(
        "--short", action="store_true", help="see that it runs, in seconds"
    )
    short = parser.parse_args().short
    throughputs = throughput.measure(*((60, 2) if short else (1_500, 20)))
    paces = pace.measure(300 if short else 10_000)
    sizes = (10, 100) if short else (10_000, 100_000, 1_000_000)
    memories = [memory.measure(rows) for rows in sizes]
    tables = "\n".join(_lines(throughputs, paces, memories))
    print(tables)
    if not short:
        page.update(_PAGE, tables)


def _lines(
    journal: Throughput, paced: Pace, memories: list[Memory]
) -> list[str]:
    found = machine()
    ratio, processor = journal.ratio, journal.processor
    peaks = [each.peak for each in memories]
    spread = (max(peaks) - min(peaks)) / 2
    throttled = 1000 * paced.throttled / paced.calls
    smallest, largest = memories[0].rows, memories[-1].rows
    with_, without = journal.with_journal.median, journal.without.median
    headline = (
        f"Run of {datetime.now(UTC):%Y-%m-%d}: Python {found['python']}, "
        f"{found['system']} {found['architecture']}, {found['cores']} cores, "
        "loopback."
    )
    return [
        headline,
        "",
        _row("what", "goal", "measured", "reached"),
        _row(*["---"] * 4),
        _row(
            "with a journal ÷ the same calls alone, 50 at once",
            "≥ 0.70",
            f"{ratio.median:.2f} (half of the blocks {ratio.q1:.2f} to "
            f"{ratio.q3:.2f}, all {ratio.low:.2f} to {ratio.high:.2f})",
            _yes(reached=ratio.median >= 0.7),
        ),
        _row(
            "the same, by processor time of the client",
            "",
            f"{processor.median:.2f} (half of the blocks "
            f"{processor.q1:.2f} to {processor.q3:.2f})",
            "",
        ),
        _row(
            "orders per second, with and without",
            "",
            f"{with_:.0f} and {without:.0f}",
            "",
        ),
        _row(
            f"share of the permitted {paced.permitted:.0f} requests a "
            f"second, {paced.orders:,} orders",
            "≥ 0.97",
            f"{paced.used:.3f}",
            _yes(reached=paced.used >= 0.97),
        ),
        _row(
            f"responses of 429 per 1,000 of {paced.calls:,} calls",
            "≤ 1",
            f"{throttled:.2f}",
            _yes(reached=throttled <= 1),
        ),
        _row(
            "failed orders",
            "0",
            f"{paced.failed}",
            _yes(reached=not paced.failed),
        ),
        _row(
            f"memory, {smallest:,} to {largest:,} rows",
            f"± {_MB} MB",
            f"± {spread:.1f} MB",
            _yes(reached=spread <= _MB),
        ),
        "",
        _row("rows", "orders sent", "maximum memory, MB", "check and plan, s"),
        _row(*["---"] * 4),
        *(
            _row(
                f"{each.rows:,}",
                f"{each.sent:,}",
                f"{each.peak:.1f}",
                f"{each.planned:.1f}",
            )
            for each in memories
        ),
    ]


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _yes(*, reached: bool) -> str:
    return "yes" if reached else "**no**"


if __name__ == "__main__":
    main()
