"""``sesamy mapping`` shows what the columns of a file are, and asks."""

from __future__ import annotations

import io
import sys
import tomllib
from pathlib import Path

import pytest
from rich.cells import cell_len
from rich.console import Console

from sesamy_async._cli import mapping as command
from sesamy_async._cli.mapping import (
    ask,
    table,
)
from sesamy_async.bulk.reading._proposal import Proposal, propose
from support.command_line import PROMO, CommandLine


FILE = "Ordernr;E-post;Summa\nA-1;kim@example.se;9\nA-2;eva@example.se;9\n"
NO_ID = "Kund;E-post\nKim Åberg;kim@example.se\nEva Ek;eva@example.se\n"
OUT = Path("orders.csv.mapping.toml")
ID = "externalOrderId"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the files of a test into a folder of its own."""
    monkeypatch.chdir(tmp_path)


def file_of(text: str, encoding: str = "utf-8") -> str:
    """Write a file, and return its name."""
    Path("orders.csv").write_text(text, encoding)
    return "orders.csv"


def test_written(sesamy: CommandLine) -> None:
    """Without a terminal it writes the mapping, and shows no cells."""
    ran = sesamy("mapping", file_of(FILE))
    content = tomllib.loads(OUT.read_text("utf-8"))

    assert (0, "") == (ran.code, ran.err)
    assert ran.out == (
        "orders.csv.mapping.toml is a mapping for orders.csv: 2 of 3 columns "
        "are sent.\n"
        "  Ordernr: externalOrderId (known name)\n"
        "  E-post: userData.email (known name)\n"
        "  Summa: left out (not part of an order)\n"
        "Check it, and correct what is wrong. An import uses it if it is "
        "called orders.csv.mapping.toml, or with --mapping.\n"
    )
    assert content == {
        "ignore": ["Summa"],
        "columns": {"Ordernr": ID, "E-post": "userData.email"},
        "constants": {},
    }


def test_json(sesamy: CommandLine) -> None:
    """For machines, it has headers and paths, and no cells."""
    ran = sesamy("mapping", file_of(FILE), "--json", "--out", "new.toml")

    assert ran.json == {
        "file": "orders.csv",
        "mapping": "new.toml",
        "columns": [
            {"header": "Ordernr", "path": ID, "why": "known name"},
            {
                "header": "E-post",
                "path": "userData.email",
                "why": "known name",
            },
            {"header": "Summa", "path": None, "why": "not part of an order"},
        ],
    }
    assert Path("new.toml").exists()


def test_reading(sesamy: CommandLine) -> None:
    """The encoding and the delimiter can be given."""
    name = file_of("Ordernr:Kön\nA-1:man\n", "cp1252")
    sesamy("mapping", name, "--encoding", "cp1252", "--delimiter", ":")

    assert {"Ordernr": ID, "Kön": "userData.gender"} == (
        tomllib.loads(OUT.read_text("utf-8"))["columns"]
    )


def test_doubts(sesamy: CommandLine) -> None:
    """It says which ways to pay a person has to decide on."""
    name = file_of("Ordernr;Betalsätt\nA-1;Vipps\nA-2;Kort\nA-3;PayPal\n")
    ran = sesamy("mapping", name)

    assert (
        "\npaymentMethod: say in the mapping what Vipps, PayPal should be.\n"
    ) in ran.out


def test_no_id(sesamy: CommandLine) -> None:
    """Without ids it writes what it knows, and says what is to be done."""
    ran = sesamy("mapping", file_of(NO_ID))

    assert (2, "") == (ran.code, ran.out)
    assert ran.err.startswith(
        "Error: No column of orders.csv certainly has the ids of the orders. "
        "orders.csv.mapping.toml was written anyway: open it, and give "
        "the path externalOrderId to the column that has them."
    )
    assert "# No column certainly is externalOrderId" in OUT.read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "arguments", "said"),
    [
        ("A-1;kim@example.se\nA-2;b\n", (), "is the header missing?"),
        (FILE, ("--sheet", "Ark1"), "has no sheets"),
        (FILE, ("--encoding", "utf-9"), "'utf-9' is unknown"),
        (FILE, ("--out", "no/where.toml"), "can't be written: No such file"),
        ("\n\n", (), "is empty"),
        (",,\n,,\n", (), "has no cells"),
    ],
)
def test_refused(
    sesamy: CommandLine, text: str, arguments: tuple[str, ...], said: str
) -> None:
    """What can't be read, or written, is named, and nothing is written."""
    ran = sesamy("mapping", file_of(text), *arguments)

    assert 2 == ran.code
    assert said in ran.err
    assert not OUT.exists()


def test_json_file(sesamy: CommandLine) -> None:
    """JSON has Sesamy's own names."""
    Path("a.jsonl").write_text('{"externalOrderId": "A-1"}')

    assert (
        "a.jsonl is JSON, which has no col" in sesamy("mapping", "a.jsonl").err
    )


def test_existing(sesamy: CommandLine) -> None:
    """A mapping that is there already is never changed."""
    OUT.write_text("mine")
    ran = sesamy("mapping", file_of(FILE))

    assert 2 == ran.code
    assert "already exists, and was not changed" in ran.err
    assert "mine" == OUT.read_text()


class Terminal(io.StringIO):
    """A terminal with a person who has typed something."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        """Say that it is one."""
        return True


def typing(text: str, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Let a person type something, and return what they see."""
    seen = Terminal()
    monkeypatch.setattr("sys.stdin", Terminal(text))
    monkeypatch.setattr("sys.stderr", seen)
    monkeypatch.setenv("COLUMNS", "80")
    return seen


@pytest.mark.parametrize(
    ("typed", "code", "there"),
    [("\n", 0, True), ("n\n", 1, False), ("", 1, False)],
)
def test_asked(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
    there: bool,
) -> None:
    """On a terminal it shows cells, and writes what the person wants."""
    seen = typing(typed, monkeypatch)
    ran = sesamy("mapping", file_of(FILE))

    assert (code, there) == (ran.code, OUT.exists())
    assert "kim@example.se" in seen.getvalue()
    assert "Use this mapping? [Y/n" in seen.getvalue()


OWN = "Ordernr;E-post;Antal\nA-1;kim@example.se;1\n"
IMPORT = ("import", "orders.csv", *PROMO, "--sandbox", "--dry-run")


@pytest.mark.parametrize(
    ("typed", "code", "there"), [("y\n", 0, True), ("n\n", 2, False)]
)
def test_import_asks(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
    there: bool,
) -> None:
    """An import goes on with the mapping that the person agreed to."""
    seen = typing(typed, monkeypatch)
    file_of(OWN)
    ran = sesamy(*IMPORT)

    assert (code, there) == (ran.code, OUT.exists())
    assert "kim@example.se" in seen.getvalue()


def test_import_without_terminal(sesamy: CommandLine) -> None:
    """Without a terminal, the mapping is written; the next import uses it."""
    file_of(OWN)
    first, second = sesamy(*IMPORT), sesamy(*IMPORT)

    assert (2, 0) == (first.code, second.code)
    assert "has its own column names" in " ".join(first.err.split())
    assert "kim@" not in first.err + OUT.read_text("utf-8")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("kim@example.se;A-1\nbo@example.se;A-2\n", "is the header missing"),
        ("externalOrderID;userData.emial\nA-1;x\n", "did you mean userData"),
        ("Qwerty;Asdf\nA;b\nB;c\n", "no row has the names of columns"),
    ],
)
def test_import_proposes_nothing(
    sesamy: CommandLine, content: str, said: str
) -> None:
    """Where nothing is known, or names are misspelt, the error is shown."""
    file_of(content)
    ran = sesamy(*IMPORT)

    assert (2, False) == (ran.code, OUT.exists())
    assert said in " ".join(ran.err.split())


def talk(
    monkeypatch: pytest.MonkeyPatch, *answers: str
) -> tuple[list[str] | None, str]:
    """Return what was agreed to, by column, and all that was shown."""
    typed = "".join(f"{each}\n" for each in answers)
    shown = typing(typed, monkeypatch)
    proposal = propose(
        ["Ordernr", "Order ID", "E-post", "", "Sum"],
        [["A-1", "7", "kim@example.com"], ["A-2", "8", "ola@example.com"]],
    )
    agreed = ask(proposal)
    paths = agreed and [it.path for it in agreed.columns]

    assert not sys.stdin.read()
    return paths or None, shown.getvalue()


AS_PROPOSED = [ID, "", "userData.email", "", ""]


@pytest.mark.parametrize(
    ("answers", "agreed"),
    [
        (("",), AS_PROPOSED),
        ((" YES ",), AS_PROPOSED),
        (("ja",), AS_PROPOSED),
        (("kyllä",), AS_PROPOSED),
        (("n",), None),
        (("ei",), None),
        ((), None),
        (("3",), None),
        (("3", "0", "y"), [ID, "", "", "", ""]),
        (("2", "1", "y"), ["", ID, "userData.email", "", ""]),
        (("3", "", "y"), AS_PROPOSED),
        (("3", "99", "y"), AS_PROPOSED),
        (("3", "nonsense", "y"), AS_PROPOSED),
        (("4", "maybe", "9", "y"), AS_PROPOSED),
        (
            ("5", " vendorData.sum ", "y"),
            [ID, "", "userData.email", "", "vendorData.sum"],
        ),
        (("1", "0", "y", "n"), None),
    ],
)
def test_answers(
    monkeypatch: pytest.MonkeyPatch,
    answers: tuple[str, ...],
    agreed: list[str] | None,
) -> None:
    """The person agrees, declines, or changes columns one by one."""
    assert agreed == talk(monkeypatch, *answers)[0]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (("maybe", "n"), "Type y, n, or the number of a column."),
        (("4", "n"), "Column 4 can't be used: it has no name."),
        (("1", "x", "n"), "That is not in the list; nothing was changed."),
        (("1", "0", "y", "n"), "No column has the ids of the orders,"),
        (("1", "n", "n"), "What is Ordernr?\n   0  leave it out\n   1  ext"),
    ],
)
def test_said(
    monkeypatch: pytest.MonkeyPatch, answers: tuple[str, ...], said: str
) -> None:
    """What is not an answer is explained."""
    assert said in talk(monkeypatch, *answers)[1]


def printed(proposal: Proposal, width: int) -> list[str]:
    """Return the lines of the table on a terminal of this width."""
    terminal = io.StringIO()
    Console(file=terminal, width=width).print(table(proposal, width))
    return [line.rstrip() for line in terminal.getvalue().splitlines()]


@pytest.mark.parametrize("width", [60, 80, 200])
def test_fits(width: int) -> None:
    """No line of the table is wider than the terminal, or cuts a path."""
    proposal = propose(
        ["Ordernr", "订单的很长的名字" * 5, "Företagsnamn", "E-post"],
        [
            [
                f"A-{n}",
                "东京都\n千代田区" * 9,
                "Bok & Co AB " * 9,
                f"k{n}@x.se",
            ]
            for n in range(9)
        ],
    )
    lines = printed(proposal, width)

    assert len(proposal.columns) == len(lines)
    assert [] == [line for line in lines if cell_len(line) > width]
    assert any("userData.businessDetails.companyName" in it for it in lines)
    assert any("…" in line for line in lines)


def test_beside_rows() -> None:
    """The mapping stands beside the first three rows, or beside one."""
    proposal = propose(["Ordernr", "x"], [["A-1", ""], [], ["A-2", "\x1b[2J"]])

    assert [
        "1  Ordernr  externalOrderId  A-1  A-2",
        "2  x        (left out)            \\x1b[2J",
    ] == printed(proposal, 80)
    assert [
        "1  Ordernr  externalOrderId  A-1",
        "2  x        (left out)",
    ] == printed(proposal, 79)


def test_registered() -> None:
    """The command does what its module says."""
    assert ("mapping",) == command.mapping_app.name


STATUS = (
    "Ordernr;E-post;Antal;Status\n"
    "A-1;kim@example.se;1;Betald\nA-2;eva@example.se;1;Makulerad\n"
)


@pytest.mark.parametrize(
    ("typed", "filtered", "sent"),
    [("y\n7 x\n1\n", {"Status": ["Betald"]}, 1), ("y\n\n", None, 2)],
)
def test_which_rows_are_orders(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    filtered: dict[str, list[str]] | None,
    sent: int,
) -> None:
    """A column of states is asked about, so that no cancelled one is sent."""
    seen = typing(typed, monkeypatch)
    file_of(STATUS)
    ran = sesamy(*IMPORT)
    mapping = tomllib.loads(OUT.read_text("utf-8"))

    assert ran.out.startswith(f"{sent} order")
    assert filtered == mapping.get("filter")
    assert "Status may say which rows are orders" in seen.getvalue()
    assert "orders.csv.mapping.toml was written" in seen.getvalue()


def test_states_without_a_terminal(sesamy: CommandLine) -> None:
    """Without a terminal, the filter is a comment."""
    sesamy("mapping", file_of(STATUS))

    assert '# [filter]\n# "Status" = ["Betald", "Makulerad"]' in (
        OUT.read_text("utf-8")
    )


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        ("y\ny\n", 0, "The first order as it would be sent"),
        ("y\nn\n", 2, "No order was sent. orders.csv.mapping.toml was kept"),
        ("y\n", 2, "No order was sent. orders.csv.mapping.toml was kept"),
    ],
)
def test_sent_as_a_new_mapping_says(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    code: int,
    said: str,
) -> None:
    """Before orders are sent so for the first time, they are shown."""
    seen = typing(typed, monkeypatch)
    file_of(OWN)
    ran = sesamy(*IMPORT[:-1])
    shown = " ".join(f"{seen.getvalue()}{ran.err}".split())

    assert code == ran.code
    assert said in shown
    assert "Send 1 order? [y/N]" in shown
    assert (code == 0) is Path("orders.csv.journal").exists()


def test_left_out_for_a_reason(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column whose values are odd is named, and so is a missing address."""
    seen = typing("n\n", monkeypatch)
    sesamy("mapping", file_of("Ordernr;E-post\nA-1;x\nA-2;y\nA-3;z\n"))

    assert "E-post is left out: its values don't look like" in seen.getvalue()
    assert "No column is userData.email" in seen.getvalue()


@pytest.mark.parametrize(("typed", "told"), [("y\n1\n", 0), ("y\n\n", 1)])
def test_a_filter_that_was_chosen(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    told: int,
) -> None:
    """Once somebody said which rows are orders, nothing is said of it."""
    typing(typed, monkeypatch)
    ran = sesamy("mapping", file_of(STATUS))

    assert told == ran.out.count("may say which rows are orders")


@pytest.mark.parametrize("dont", [False, True])
def test_meanings_are_asked(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch, *, dont: bool
) -> None:
    """What words for payments mean is asked, unless that is certain."""
    typed = "\n\n\n" if dont else "\n9\n2\n3\n"
    seen = typing(typed, monkeypatch)
    words = ("Kort", "INVOICE", "Verkkopankki", "Noppa", "verkkopankki")
    rows = [f"A-{n};a{n}@x.se;{it};Nainen" for n, it in enumerate(words)]
    header = "Ordernr;E-post;Betalningsmetod;Sukupuoli"
    path = file_of("\n".join([header, *rows, ""]))
    ran = sesamy("mapping", path)
    written = tomllib.loads(OUT.read_text("utf-8"))["values"]
    chosen = {"Verkkopankki": "CARD", "Noppa": "EXTERNAL"}

    assert 0 == ran.code
    assert (
        "What is Verkkopankki in paymentMethod?\n   1  BANKGIRO\n   2  CARD\n"
    ) in seen.getvalue()
    assert "What is Noppa in paymentMethod?" in seen.getvalue()
    assert 3 - dont == seen.getvalue().count("Number [Enter: decide later]")
    assert {"Kort": "CARD"} | ({} if dont else chosen) == (
        written["paymentMethod"]
    )
