"""The example files and the template are what the documentation says."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from sesamy_async.bulk import InputFileError, Source
from sesamy_async.bulk.check import check
from sesamy_async.bulk.reading import open_source, write_template
from sesamy_async.bulk.reading._fields import FIELDS, OPEN, OVERRIDES
from support.order_files import orders


EXAMPLES = Path(__file__).parents[3] / "examples"
MISTAKES = EXAMPLES / "orders-with-mistakes.csv"
MAILS = ("email", "invoiceEmail")
EXAMPLE_HOST = re.compile(r"[^@]+@example\.(com|net|org)")
# What the Swedish regulator keeps free for books and films.
FICTIONAL = re.compile(r"\+46(701740(60[5-9]|6[1-9]\d)|313900600|3139006\d\d)")


NORDIC = open_source(EXAMPLES / "orders.csv")
OTHER_HEADERS = open_source(
    EXAMPLES / "orders-other-headers.csv",
    encoding="cp1252",
    mapping=EXAMPLES / "mapping.toml",
)


@pytest.mark.parametrize(
    ("source", "rows"), [(NORDIC, 200), (OTHER_HEADERS, 40)]
)
def test_right_files(source: Source, rows: int) -> None:
    """All orders can be sent, without a warning, and nobody is real."""
    with check(source, promo_code="SPRING-12") as checked:
        assert (rows, rows) == (checked.rows, checked.valid)
        assert () == checked.warnings
    people = [
        order[role]
        for order in orders(source)
        for role in ("userData", "ownerData")
        if role in order
    ]
    mails = [it.get(kind) for it in people for kind in MAILS if kind in it]
    phones = [
        re.sub(r"[ -]", "", it["phone"]) for it in people if "phone" in it
    ]

    assert [] == [it for it in mails if not EXAMPLE_HOST.fullmatch(it)]
    assert [] == [it for it in phones if not FICTIONAL.fullmatch(it)]


def test_the_orders_are_of_all_kinds() -> None:
    """The first file shows all that an order can hold."""
    sent = orders(NORDIC)
    countries = {it["userData"]["address"]["country"] for it in sent}
    keys = {key for it in sent for key in (*it, *it["userData"])}

    assert {"SE", "NO", "DK", "FI"} == countries
    assert set("åäöøæÅÖØ") <= set(str(sent))
    assert {"ownerData", "vendorData", "providerData"} <= keys
    assert {"businessDetails", "extraData", "birthday", "gender"} <= keys


def test_the_file_with_mistakes_shows_each_kind() -> None:
    """Each kind of mistake is there, both kinds of repeats too."""
    with check(open_source(MISTAKES), promo_code="SPRING-12") as checked:
        reasons = {each.reason for each in checked.problems()}
        counts = (checked.rows, checked.valid, checked.invalid)

    assert (30, 8, 22) == counts
    for part in (
        *("is missing", "must not begin or end with spaces", "'.' or '..'"),
        *("did you mean KLARNA?", "must be one of BANKGIRO"),
        *("must be at least 1", "must be at most", "must be a whole number"),
        *("must look like name@example.com", "must be one of male, female"),
        *("must be a date such as 1980-12-31", "is not a day in the"),
        *("the same row as row 22", "has this externalOrderId too, with oth"),
        *("the row is cut", "a cell that holds the delimiter"),
    ):
        assert any(part in reason for reason in reasons), part


def test_a_template_is_right(tmp_path: Path) -> None:
    """Its orders can be sent, and it has all fields of the payer."""
    table, mapping = tmp_path / "orders.csv", tmp_path / "mapping.toml"
    write_template(table, mapping)
    source = open_source(table)
    sent = orders(source)
    own = {name for name in FIELDS if name not in OVERRIDES}
    places = {name.rpartition(".")[0] for name in source.header}

    assert "Astrid Bergström" == sent[0]["userData"]["fullName"]
    assert 2 == len(sent)
    assert sent == orders(open_source(table, mapping=mapping))
    assert [] == [
        name
        for name in own - {*source.header} | {*OPEN} - places
        if not name.startswith("ownerData")
    ]


def test_its_comments_are_right(tmp_path: Path) -> None:
    """Without the comment signs it is a mapping that works."""
    mapping = tmp_path / "mapping.toml"
    write_template(tmp_path / "orders.csv", mapping)
    lines = mapping.read_text(encoding="utf-8").splitlines()
    toml = "\n".join(
        line.removeprefix("# ")
        for line in lines
        if (" = " in line and '"header in' not in line) or line[:1] == "["
    )
    columns = tomllib.loads(toml)["columns"]
    mapping.write_text(toml, encoding="utf-8")
    cells = ",".join(["a@example.com"] * len(columns))
    table = tmp_path / "other.csv"
    table.write_text(f"{','.join(columns)}\n{cells}", encoding="utf-8")
    [order] = orders(open_source(table, mapping=mapping))

    assert "autumn-2026" == order["vendorData"]["campaign"]
    assert 1 == order["quantity"]


@pytest.mark.parametrize("name", ["orders.csv", "mapping.toml"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    """What is there stays, and nothing is put beside it."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputFileError, match=f"{name} already exists"):
        write_template(tmp_path / "orders.csv", tmp_path / "mapping.toml")

    assert "mine" == (tmp_path / name).read_text()
    assert [name] == [each.name for each in tmp_path.iterdir()]


def test_a_file_that_appears_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not overwritten either."""
    table = tmp_path / "orders.csv"
    table.write_text("mine")
    monkeypatch.setattr(Path, "exists", lambda _: False)
    with pytest.raises(InputFileError, match="can't be written: File exists"):
        write_template(table, tmp_path / "mapping.toml")

    assert "mine" == table.read_text()
