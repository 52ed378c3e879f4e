"""A journal shows what the imports of its corrected reports have done."""

from __future__ import annotations

from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import Planned, State
from sesamy_async.bulk.journal import journal_path
from support.command_line import CommandLine
from support.journals import TERMS, bring, new_journal


FILE = Path("orders.csv")
REPORT = Path("orders.rejected.csv")
SECOND = Path("orders.rejected.rejected.csv")
LINES = Path("orders.rejected.2.jsonl")
WRONG = "userData.email: must look like name@example.com"


@pytest.fixture(autouse=True)
def _imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the journal of a file whose rows 2 and 3 are sent."""
    monkeypatch.chdir(tmp_path)
    FILE.touch()
    imported(
        FILE,
        {2: "A-2", 3: "A-3"},
        {4: "A-4", 5: None, 6: "A-6", 7: None},
        same=(7, 3),
    )


def imported(
    file: Path,
    done: dict[int, str],
    wrong: dict[int, str | None],
    *,
    same: tuple[int, int] = (0, 0),
    base_url: str = TERMS.base_url,
) -> None:
    """Write the journal of an import."""
    reasons = dict.fromkeys(wrong, WRONG)
    if same[0]:
        reasons[same[0]] = f"the same row as row {same[1]}: remove this one"
    rows = [
        Planned(row=row, order_id=order, reason=reasons.get(row))
        for row, order in sorted({**done, **wrong}.items())
    ]
    agreed = attrs.evolve(TERMS, source=file.name, base_url=base_url)
    with new_journal(journal_path(file), agreed, rows) as journal:
        for row in done:
            bring(journal, row, State.CONFIRMED)


def report(path: Path, *rows: tuple[int, str]) -> None:
    """Write a report as it was imported: the rows before, and the ids."""
    lines = [f"{row},,{order}" for row, order in rows]
    header = "#row,#reason,externalOrderId"
    path.write_text("\n".join([header, *lines]), encoding="utf-8-sig")


def shown(sesamy: CommandLine) -> tuple[str, str]:
    """Return the first line, from the number of rows on, and the last ones."""
    text = sesamy("journal", "show", FILE).out
    first, _, rest = text.partition("\n")
    last = rest.partition("\n  strays")[2]
    return first.partition("orders.csv: ")[2], last


def test_no_report(sesamy: CommandLine) -> None:
    """Where no report was imported, it says what the import said."""
    assert (
        "2 of 6 rows are confirmed; 4 rejected.",
        "       0\n",
    ) == shown(sesamy)


def test_done(sesamy: CommandLine) -> None:
    """When the report is done, the import is done as a whole.

    A row whose id was corrected is known by its number in the report.
    """
    report(REPORT, (4, "A-4"), (5, "A-5"), (6, "A-6"))
    imported(REPORT, {2: "A-4", 3: "A-5", 4: "A-6"}, {})
    chain = sesamy("journal", "show", FILE, "--json").json["chain"]

    assert (
        (
            "6 rows, all done: 2 confirmed here, 3 by orders.rejected.csv, 1 "
            "the same as another row."
        ),
        "       0\n",
    ) == shown(sesamy)
    assert {
        "done": True,
        "here": 2,
        "by_report": {"orders.rejected.csv": 3},
        "repeated": 1,
        "open": [],
        "unmatched": {},
        "unread": {},
    } == chain


def test_report_of_a_report(sesamy: CommandLine) -> None:
    """The report of a report counts for the rows of the first file."""
    report(REPORT, (4, "A-4"), (5, "A-5"), (6, "A-6"))
    imported(REPORT, {2: "A-4"}, {3: "A-5", 4: "A-6"})
    report(SECOND, (3, "A-5"), (4, "A-6"))
    imported(SECOND, {2: "A-5"}, {3: "A-6"})

    assert (
        (
            "6 rows: 2 confirmed here, 1 by orders.rejected.csv, 1 by "
            "orders.rejected.rejected.csv, 1 the same as another row, 1 still "
            "open: row 6."
        ),
        (
            "       0\n\nStill open:\n  row 6: rejected in "
            "orders.rejected.rejected.csv; correct it in the rejected report\n"
        ),
    ) == shown(sesamy)


def test_several_reports(sesamy: CommandLine) -> None:
    """A row that was left out of one report may be in another one."""
    report(REPORT, (4, "A-4"))
    imported(REPORT, {2: "A-4"}, {})
    orders = ((4, "A-4"), (5, "A-5"), (6, "A-6"))
    lines = [f'{{"#row": {n}, "externalOrderId": "{it}"}}' for n, it in orders]
    LINES.write_text("\n".join([*lines, "[1]", "no"]), encoding="utf-8")
    imported(LINES, {2: "A-5"}, {1: "A-4", 3: "A-6"})
    first, last = shown(sesamy)

    assert "1 by orders.rejected.csv, 1 by orders.rejected.2.jsonl" in first
    assert last.endswith(
        "row 6: rejected in orders.rejected.2.jsonl; correct it in the "
        "rejected report\n"
    )


def test_left_out(sesamy: CommandLine) -> None:
    """A row that somebody has removed from the report is open."""
    report(REPORT, (5, "A-5"), (6, "A-6"))
    imported(REPORT, {2: "A-5", 3: "A-6"}, {})
    first, last = shown(sesamy)

    assert first.endswith("1 still open: row 4.")
    assert last.endswith("row 4: left out of orders.rejected.csv\n")


@pytest.mark.parametrize("is_there", [False, True])
def test_other_report(sesamy: CommandLine, is_there: bool) -> None:
    """Without the report as it was imported, only ids tell its rows."""
    if is_there:
        report(REPORT, (6, "A-7"), (6, "A-8"), (6, "A-9"))
    imported(REPORT, {2: "A-4", 3: "A-5", 4: "A-6"}, {})
    first, last = shown(sesamy)

    assert "2 by orders.rejected.csv" in first
    assert first.endswith("1 still open: row 5.")
    assert last.endswith(
        "1 more row done by orders.rejected.csv. It is not known which rows "
        "of this file they are, because that report is gone or was changed "
        "after it was imported.\n"
    )


def test_not_to_be_read(sesamy: CommandLine) -> None:
    """A report whose journal can't be read is named, and not counted."""
    journal_path(REPORT).write_bytes(b"x" * 1000)
    first, last = shown(sesamy)

    assert first.endswith("3 still open: row 4, 5, 6.")
    assert "orders.rejected.csv.journal is not counted: " in last


@pytest.mark.parametrize("place", ["sandbox 5f", "https://other.example"])
def test_other_place(sesamy: CommandLine, place: str) -> None:
    """What went to another place is not done here."""
    imported(REPORT, {2: "A-4", 3: "A-6"}, {}, base_url=place)

    assert shown(sesamy)[0].endswith("3 still open: row 4, 5, 6.")


def test_many(sesamy: CommandLine) -> None:
    """Of many rows, people see the first ones, and machines all."""
    report(REPORT)
    imported(REPORT, {}, {})
    journal_path(FILE).unlink()
    imported(FILE, {}, dict.fromkeys(range(2, 30)))
    first, last = shown(sesamy)
    chain = sesamy("journal", "show", FILE, "--json").json["chain"]

    assert first.endswith("28 still open: row 2, 3, 4, 5, 6 and 23 more.")
    assert last.endswith("  and 8 more; --json lists them all\n")
    assert 28 == len(chain["open"])


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (State.UNKNOWN, "unknown in orders.csv; somebody has to look"),
        (State.CREATED, "not finished in orders.csv; import orders.csv again"),
    ],
)
def test_open_here(sesamy: CommandLine, state: State, why: str) -> None:
    """What is open in the import itself is named, too."""
    imported(REPORT, {}, {})
    journal_path(FILE).unlink()
    with new_journal(journal_path(FILE), rows=1) as journal:
        bring(journal, 2, state)

    assert shown(sesamy)[1].endswith(f"\nStill open:\n  row 2: {why}\n")
