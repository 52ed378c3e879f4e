"""What somebody found out settles unknown orders: all of them, or none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk.confirm import Confirm
from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.journal import Change, Entry, Journal
from sesamy_async.bulk.journal.findings import read_findings
from sesamy_async.bulk.journal.resolve import (
    Finding,
    decide,
    objection,
    resolve,
    settle,
)
from sesamy_async.bulk.state import State
from support.journals import TERMS, bring, new_journal


SETTLED = "and only what is UNKNOWN can be settled"
EITHER = (
    "give either the contractId that order 'A-1' has, or yes in notCreated"
)
YES_OR_NO = "confirmed and notCreated must be yes, no or empty"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal in which A-2 to A-4 are unknown, and A-5 is not."""
    with new_journal(tmp_path / "j", rows=4) as journal:
        for row in (2, 3, 4):
            bring(journal, row, State.UNKNOWN)
        yield journal


def entry(state: State) -> Entry:
    """Return an order in a state."""
    return Entry(row=7, order_id="A-7", state=state, reason="cut off")


def found(order_id: str, contract_id: str | None = None) -> Finding:
    """Return what was found out."""
    return Finding(order_id=order_id, contract_id=contract_id)


@pytest.mark.parametrize("state", State)
def test_objection(state: State) -> None:
    """Only what is unknown can be settled."""
    said = None if state is State.UNKNOWN else f"is {state}, {SETTLED}"

    assert said == objection(entry(state))


def test_settle() -> None:
    """A contract makes an order CREATED; none lets it be sent again."""
    unknown = entry(State.UNKNOWN)

    for state in (State.CREATED, State.CONFIRMED):
        assert Change(row=7, state=state, contract_id="c1") == settle(
            unknown, "c1", state
        )
        assert Change(row=7, state=State.PENDING) == settle(
            unknown, None, state
        )


def test_decide() -> None:
    """All that is wrong is named, with where it stands."""
    known = {"A-7": entry(State.UNKNOWN), "A-8": entry(State.CREATED)}
    findings = [
        Finding(order_id="A-7", contract_id="c1", where="row 2"),
        Finding(order_id="A-7", contract_id="c2", where="row 3"),
        Finding(order_id="A-8", contract_id=None, where="row 4"),
        found("A-9"),
        found("A-9"),
    ]
    changes, problems = decide(findings, known.get, State.CONFIRMED)

    assert [Change(row=7, state=State.CREATED, contract_id="c1")] == changes
    assert [
        "row 3: order 'A-7' stands twice",
        f"row 4: order 'A-8' is CREATED, {SETTLED}",
        "order 'A-9' is not in the journal",
        "order 'A-9' stands twice",
    ] == problems


def test_resolve(journal: Journal) -> None:
    """What is settled is in the journal, without its reason."""
    count = resolve(journal, [found("A-2", "c1"), found("A-3")])
    created, pending = journal.entry("A-2"), journal.entry("A-3")

    assert count == 2
    assert created is not None
    assert pending is not None
    assert (State.CREATED, "c1", None) == (
        created.state,
        created.contract_id,
        created.reason,
    )
    assert (State.PENDING, None, None) == (
        pending.state,
        pending.contract_id,
        pending.reason,
    )


@pytest.mark.parametrize(
    ("confirm", "state"),
    [(Confirm.AT_ONCE, State.CONFIRMED), (Confirm.NO, State.CREATED)],
)
def test_confirmed(tmp_path: Path, confirm: Confirm, state: State) -> None:
    """An order whose contract is confirmed is done, whatever is done there."""
    terms = attrs.evolve(TERMS, confirm=confirm)
    with new_journal(tmp_path / "k", terms) as journal:
        bring(journal, 2, State.UNKNOWN)
        settled = resolve(
            journal,
            [Finding(order_id="A-2", contract_id="c1", confirmed=True)],
        )

        assert (1, 1) == (settled, journal.counts()[state])


def test_all_or_nothing(journal: Journal) -> None:
    """One finding that is wrong keeps all of them out."""
    with pytest.raises(InputFileError) as raised:
        resolve(journal, [found("A-2", "c1"), found("A-5"), found("A-9")])

    assert (
        f"order 'A-5' is PENDING, {SETTLED}",
        "order 'A-9' is not in the journal",
    ) == raised.value.problems
    assert raised.value.args[0] == (
        f"Nothing was settled: order 'A-5' is PENDING, {SETTLED}; "
        "order 'A-9' is not in the journal."
    )
    assert 3 == journal.counts()[State.UNKNOWN]


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_table(tmp_path: Path, delimiter: str, end: str, mark: str) -> None:
    """A table is read as a spreadsheet writes it."""
    lines = [
        "XXXXXXX,externalOrderId,contractId,confirmed,notCreated,reason",
        "7,A-1,c1,yes,,x",
        '8,"A,2", c2 ,,no,"two\nlines"',
        "",
        ",,,,,",
        "9,'=A-3,,,Yes,x",
        "9,'A-4,,no,TRUE",
        "9,A-5,c5",
    ]
    text = end.join(lines).replace(",", delimiter)
    path = tmp_path / "found.csv"
    path.write_bytes(f"{mark}{text}".encode())

    assert [
        Finding(
            order_id="A-1", contract_id="c1", confirmed=True, where="row 2"
        ),
        Finding(order_id=f"A{delimiter}2", contract_id="c2", where="row 3"),
        Finding(order_id="=A-3", contract_id=None, where="row 6"),
        Finding(order_id="'A-4", contract_id=None, where="row 7"),
        Finding(order_id="A-5", contract_id="c5", where="row 8"),
    ] == read_findings(path)


def test_ends_of_lines_in_quotes(tmp_path: Path) -> None:
    """What stands in quotes is the order's id, whatever it holds."""
    path = tmp_path / "found.csv"
    path.write_bytes(b'externalOrderId,contractId\r\n"A\r\n1",c1\r\n')

    assert [
        Finding(order_id="A\r\n1", contract_id="c1", where="row 2")
    ] == read_findings(path)


def test_two_columns(tmp_path: Path) -> None:
    """Where every order has a contract, two columns do."""
    path = tmp_path / "found.csv"
    path.write_text("contractId;externalOrderId\nc1;A-1\n")

    assert [
        Finding(order_id="A-1", contract_id="c1", where="row 2")
    ] == read_findings(path)


@pytest.mark.parametrize(
    ("word", "created"),
    [
        ("yes", False),
        ("TRUE", False),
        ("1", False),
        ("", True),
        ("No", True),
        ("false", True),
        ("0", True),
    ],
)
def test_words(tmp_path: Path, word: str, *, created: bool) -> None:
    """Yes and no may be written as spreadsheets write them."""
    path = tmp_path / "found.csv"
    contract = "c1" if created else ""
    path.write_text(
        f"externalOrderId,contractId,notCreated\nA-1,{contract}, {word} \n"
    )
    [finding] = read_findings(path)

    assert (contract or None) == finding.contract_id


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (",c1,", "externalOrderId is missing"),
        ("A-1", EITHER),
        ("A-1,,", EITHER),
        ("A-1,c1,yes", EITHER),
        ("A-1,,no", EITHER),
        ("A-1,,yes,yes", EITHER),
        ("A-1,,maybe", YES_OR_NO),
        ("A-1,c1,,maybe", YES_OR_NO),
        ("A-1,..,", "contractId must be an id; it is empty, '.' or '..'"),
    ],
)
def test_wrong_rows(tmp_path: Path, row: str, said: str) -> None:
    """Every row that is wrong is named; none is taken to mean something."""
    path = tmp_path / "found.csv"
    path.write_text(
        "externalOrderId,contractId,notCreated,confirmed\n"
        f"A-0,c0,\n{row}\n{row}\n"
    )
    with pytest.raises(InputFileError) as raised:
        read_findings(path)

    assert (f"row 3: {said}", f"row 4: {said}") == raised.value.problems
    assert (
        f"{path} can't be used: row 3: {said}; row 4: {said}."
        == (raised.value.args[0])
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file or directory"),
        (b"", "has no column externalOrderId and no column contractId"),
        (b"externalOrderId,contract\n", "has no column contractId; its"),
        (b"externalOrderId,contractId\n\xe5,c1\n", "is not in UTF-8"),
        (b'externalOrderId,contractId\nA-1,"c1\n', "line 2: unexpected end"),
        (b'"externalOrderId,contractId\n', "line 1: unexpected end"),
    ],
)
def test_wrong_tables(
    tmp_path: Path, content: bytes | None, said: str
) -> None:
    """A file that is no such table says what it lacks."""
    path = tmp_path / "found.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputFileError, match=f"^{path}.*{said}"):
        read_findings(path)
