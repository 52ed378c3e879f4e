"""A proposal says what the columns of a file are, and never what is wrong."""

from __future__ import annotations

import csv
import io
import tomllib

import pytest

from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reading._fields import FIELDS
from sesamy_async.bulk.reading._looks import (
    date_form,
    key,
    known,
    known_name,
)
from sesamy_async.bulk.reading._proposal import Proposal, propose
from support.exports import EXPORTS, export
from support.order_files import Folder, orders


def proposed(text: str) -> Proposal:
    """Propose a mapping for a table with | between its cells."""
    header, *rows = (
        [cell.strip() for cell in line.split("|")]
        for line in text.strip().split("\n")
    )
    return propose(header, rows)


def paths(proposal: Proposal) -> list[str]:
    """Return what each column is."""
    return [it.path for it in proposal.columns]


@pytest.mark.parametrize("name", EXPORTS)
def test_exports(name: str) -> None:
    """All columns are found that can be, and none is mapped wrong."""
    header, expected, rows = export(name)
    found = {it.index: it.path for it in propose(header, rows).columns}

    assert expected == [found.get(at, "") for at in range(len(header))]


@pytest.mark.parametrize("name", EXPORTS)
def test_mapping_file(name: str) -> None:
    """The mapping file names each column once, and holds no cells."""
    header, expected, rows = export(name)
    proposal = propose(header, rows)
    toml = proposal.toml("orders.csv")
    content = tomllib.loads(toml)
    named = [it.header for it in proposal.columns if it.nameable]
    names = " ".join(header)
    words = [
        index
        for index, path in enumerate(expected)
        if path.startswith("payment") or path.endswith(("gender", "country"))
    ]
    personal = {
        row[index]
        for row in rows
        for index in range(len(row))
        if index not in words and len(row[index]) > 3
    }

    assert sorted(named) == sorted([*content["columns"], *content["ignore"]])
    assert {it.header: it.path for it in proposal.columns if it.path} == (
        content["columns"]
    )
    assert [] == [it for it in personal if it in toml and it not in names]


@pytest.mark.parametrize(
    "name",
    [
        'say "Ordernr"',
        "C:\\orders\\new",
        "Bestill­ingsnr\u2028\u200b",
        "订单 🗞️ #1",
        "a.b = 'c' # d",
        "line\nbreak\ttab\x7f",
    ],
)
def test_any_header(folder: Folder, name: str) -> None:
    """Whatever a header holds, the mapping can be used."""
    header = [name, f"{name} too", "E-post"]
    rows = [["A-1", "x", "kim@example.com"], ["A-2", "y", "ola@example.com"]]
    proposal = propose(header, rows).with_path(0, "externalOrderId")
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    source = open_source(
        folder.write(text.getvalue()),
        mapping=folder.write(proposal.toml(name), "mapping.toml"),
    )

    assert ["A-1", "A-2"] == [it["externalOrderId"] for it in orders(source)]


def test_shown_to_people() -> None:
    """The file says why, what is missing, and what words stand for."""
    proposal = proposed("""
        Best.nr | Mejl            | Status | Betalsätt  | Kön    | Född
        A-1     | kim@example.com | paid   | faktura    | Kvinna | 17/05/1980
        A-2     | ola@example.com | paid   | Vipps      | Man    | 19/06/1981
        A-2     | ola@example.com | paid   | CARD       | x      | 19/06/1981
        A-3     | bo@example.com  | paid   | FAKTURA    | Man    |
    """)

    assert """\
# A mapping for "o.csv".
# Its lines say what each column of the file contains.  They were proposed
# from the names of the columns and from their cells: look through them, and
# correct what is wrong.  Lines that begin with # are not read.

# Columns that are not sent.
ignore = [
    "Status",  # not part of an order
]

# "header in the file" = "path in the order"
[columns]
"Best.nr" = "externalOrderId"  # known name
"Mejl" = "userData.email"  # known name
"Betalsätt" = "paymentMethod"  # known name
"Kön" = "userData.gender"  # known name
"Född" = "userData.birthday"  # known name
# Some orders have several rows.  If their quantities are
# to be added up, write at the top of this file:
# lines_per_order = "several"

# What is the same in all orders.
[constants]
# paymentProvider = "BILLOGRAM"
# quantity = 1

# What the words in its cells are in an order.
[values.paymentMethod]
"faktura" = "INVOICE"
# Say what these are: BANKGIRO, CARD, EXTERNAL, FREE, INVOICE, SWISH.
# "Vipps" = "EXTERNAL"

# What the words in its cells are in an order.
[values."userData.gender"]
"Kvinna" = "female"
"Man" = "male"

# How dates are written.
[dates]
"userData.birthday" = "DD/MM/YYYY"
""" == proposal.toml("o.csv")


def test_no_id() -> None:
    """Without the ids of orders it can't be used, and says what may be."""
    proposal = proposed("""
        Kundnr | Nr | Ref   | Belopp | Namn
        81     | 1  | spår  | 9,00   | Kim Åberg
        82     | 2  | väg   | 9,00   | Ola Nord
    """)
    chosen = proposal.with_path(0, "externalOrderId")

    assert (False, True) == (proposal.usable, chosen.usable)
    assert ["Kundnr"] == [it.header for it in proposal.possible_ids()]
    assert '# "Kundnr" = "externalOrderId"\n' in proposal.toml("o.csv")
    assert (
        "# No column is userData.email: the contract is tied to it.\n"
        in proposal.toml("o.csv")
    )
    assert '\n"Kundnr" = "externalOrderId"  # your choice\n' in (
        chosen.toml("o.csv")
    )


def test_no_candidates() -> None:
    """Nothing is said of columns that could hold the ids if there is none."""
    toml = proposed("Nr | Namn\n1 | Kim Åberg\n2 | Ola Nord").toml("o.csv")

    assert "# No column certainly is externalOrderId" in toml
    assert "If it is one of these" not in toml


def test_choice() -> None:
    """A path that is given to another column is taken from the first."""
    proposal = proposed("Ordernr | Order ID\nA-1 | 7\nA-2 | 8")
    changed = proposal.with_path(1, "externalOrderId").with_path(0, "")

    assert ["externalOrderId", ""] == paths(proposal)
    assert ["", "externalOrderId"] == paths(changed)
    assert ["", ""] == paths(changed.with_path(1, ""))
    assert "another was chosen" == (
        proposal.with_path(1, "externalOrderId").columns[0].why
    )


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("Ordernr | x\n1 | a", "unknown name"),
        ("Ordernr | Summa\n1 | a", "not part of an order"),
        ("Ordernr | Leverans ort\n1 | a", "not part of an order"),
        ("Ordernr | Order ID\n1 | 2", 'externalOrderId is already "Ordernr"'),
        (
            "Ordernr | E-post\n1 | ja",
            "its values don't look like userData.email",
        ),
        ("Ordernr | Sted\n1 | 7", "its name can mean several things"),
        ("Ordernr | By\n1 | ", "its name can mean several things"),
        (
            "Ordernr | Mottagare namn\n1 | Kim",
            "of a recipient, whose e-mail address is missing",
        ),
        ("Ordernr | \n1 | x", "it has no name"),
        ("Ordernr | a\0b\n1 | x", "its name can't be written"),
        ("Ordernr | a\ud800b\n1 | x", "its name can't be written"),
        ("Ordernr | order-nr\n1 | x", "several columns have this name"),
    ],
)
def test_left_out(table: str, why: str) -> None:
    """It says why a column is left out."""
    if why.startswith("several"):
        table = table.replace("Ordernr", "Order nr")

    assert ("", why) == (
        proposed(table).columns[1].path,
        proposed(table).columns[1].why,
    )


@pytest.mark.parametrize(
    ("cells", "path"),
    [
        ("kim@example.com|ola@example.com", "userData.email"),
        ("kim@example.com|kim@example.com", ""),
        ("<kim@example.com>|mailto:ola@example.com", "userData.email"),
        ("kim@example.com", ""),
        ("+46701740605|0046701740606", "userData.phone"),
        ("0701740605|0701740606", ""),
        ("211 42|SE-222 21|211 42", "userData.address.zip"),
        ("21142|22221", ""),
        ("SE|NO|SE", "userData.address.country"),
        ("NO|NO", ""),
        ("SEK|SEK", ""),
        ("Faktura|Kort|Swish", "paymentMethod"),
        ("Visa|Mastercard", ""),
        ("Faktura|Kort|Paket", ""),
        ("Klarna|Klarna", "paymentProvider"),
        ("1980-05-17|1981-06-19", ""),
        ("1|2|3", ""),
        ("A-1|A-2", ""),
    ],
)
def test_looks(cells: str, path: str) -> None:
    """Cells of a column with an unknown name count if they are certain."""
    proposal = propose(["Q"], [[cell] for cell in cells.split("|")])

    assert [path] == paths(proposal)


@pytest.mark.parametrize(
    ("name", "cells", "path"),
    [
        ("Id", "A-1|A-2|A-3", "externalOrderId"),
        ("Id", "A-1|A-1|A-3", "externalOrderId"),
        ("Id", "A-1|A-3|A-1", ""),
        ("Id", "1|2|3", ""),
        ("Id", "0|1|2", ""),
        ("Id", "7", ""),
        ("Id", "9.50|8.25", ""),
        ("Id", "2026-05-01|2026-05-02", ""),
        ("Id", "+46701740605|+46701740606", ""),
        ("Id", "cus_9a|cus_9b", ""),
        ("Order ID", "1|2|3", "externalOrderId"),
        ("Order ID", "", "externalOrderId"),
        ("Order ID", "Digital|Papper", ""),
        ("Namn", "#1001|#1002", "externalOrderId"),
        ("Namn", "Kim Åberg|Ola Nord", "userData.fullName"),
        ("Namn", "Bok AB|Nord Oy", "userData.businessDetails.companyName"),
        ("Namn", "Digital|Digital|Digital|Papper", ""),
        ("Betalsätt", "Klarna|Stripe", "paymentProvider"),
        ("Betalsätt", "Kort|KLARNA", "paymentMethod"),
        ("Betalsätt", "", "paymentMethod"),
        ("Payment gateway", "shopify_x|y", ""),
        ("Org.nr", "19800517-0000|19810619-0000", ""),
        ("Org.nr", "987654321|987 654 322 MVA", "vatNr"),
        ("Telefon", "4,67E+10|4,67E+10", ""),
        ("Telefon", "+46 (0)70-174 06 05", "userData.phone"),
        ("Promokod", "VÅR", "promoCode"),
        ("userData.email", "nonsense", "userData.email"),
    ],
)
def test_names(name: str, cells: str, path: str) -> None:
    """A known name counts unless its cells contradict it."""
    proposal = propose([name], [[cell] for cell in cells.split("|")])
    path = path.replace("vatNr", "userData.businessDetails.vatNr")

    assert [path] == paths(proposal)


@pytest.mark.parametrize(
    ("header", "headless"),
    [
        ("A-1|kim@example.com|Kim", True),
        ("1001|211 42|0701740605|Kim", True),
        ("Ordernr|2025|Namn", False),
        ("Kolonne 1|Kolonne 2", False),
        ("", False),
    ],
)
def test_headless(header: str, headless: bool) -> None:
    """A header that looks like an order is not taken for names."""
    proposal = propose(header.split("|"), [])

    assert headless is proposal.headless
    assert headless is not bool(proposal.columns)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        ("1980-05-17", ("", True)),
        ("17.05.1980|19.06.1981", ("DD.MM.YYYY", True)),
        ("5.6.1980", ("DD.MM.YYYY", True)),
        ("17/05/1980|03/04/1981", ("DD/MM/YYYY", True)),
        ("05/17/1980|03/04/1981", ("MM/DD/YYYY", True)),
        ("03/04/1980|05/06/1981", ("DD/MM/YYYY", False)),
        ("17-05-1980", ("DD-MM-YYYY", True)),
        ("03-04-1980", ("DD-MM-YYYY", False)),
        ("05.17.1980", ("", True)),
        ("19800517|19810619", ("YYYYMMDD", True)),
        ("17.05.1980|x", ("", True)),
        ("", ("", True)),
    ],
)
def test_dates(cells: str, form: tuple[str, bool]) -> None:
    """The form of dates is said where it is not ISO, and whether surely."""
    assert form == date_form([cell for cell in cells.split("|") if cell])


def test_doubtful_dates() -> None:
    """A form that could be another is only a comment."""
    toml = proposed("Ordernr | Född\nA-1 | 03/04/1980").toml("o.csv")

    assert (
        "[dates]\n# If the day comes first, remove the # before it;\n"
        "# if the month does, change the form, too.\n"
        '# "userData.birthday" = "DD/MM/YYYY"\n'
    ) in toml


def test_right_words() -> None:
    """Words that an order takes as they are need no line."""
    toml = proposed("Ordernr | Betalsätt\nA-1 | CARD").toml("o.csv")

    assert "[values" not in toml


@pytest.mark.parametrize(
    ("cell", "yes"),
    [
        ("ORDERNR", True),
        ("userData.email", True),
        ("Leverans ort", True),
        ("Summa", True),
        ("Kim Åberg", False),
        ("", False),
    ],
)
def test_known_name(cell: str, yes: bool) -> None:
    """A name that columns have is known, whether it is sent or not."""
    assert yes is known_name(cell)


def test_personal() -> None:
    """What is printed of a proposal holds no cells."""
    proposal = proposed("Ordernr | Namn\nA-1 | Kim Åberg")

    assert "Åberg" not in repr(proposal)


def test_table_of_names() -> None:
    """Each name of the table stands for something, and for one thing."""
    # Not the one that was kept before branches were counted.
    table = known.__wrapped__()
    people = {it.path for them in table.person.values() for it in them}
    certain = [
        (word, them)
        for by in (table.order, table.person)
        for word, found in by.items()
        if (them := {it.path for it in found if it.score > 60})
    ]

    assert set() == {f"userData.{it}" for it in people} - {*FIELDS}
    assert set() == {
        it.path for them in table.order.values() for it in them
    } - {*FIELDS}
    assert [] == [word for word, them in certain if len(them) > 1]
    assert [] == [word for word, _ in certain if word in table.others]
    assert "sahkopostiosoite" == key(" Sähköposti-osoite: ")
