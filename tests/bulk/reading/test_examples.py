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
EXAMPLE_HOST = re.compile(r"[^@]+@example\.(com|net|org)")
# What the Swedish regulator keeps free for books and films.
FICTIONAL = re.compile(r"\+46(701740(60[5-9]|6[1-9]\d)|313900600|3139006\d\d)")


def nordic() -> Source:
    """Open the file that the README imports."""
    return open_source(EXAMPLES / "orders.csv")


def other_headers() -> Source:
    """Open the file of a Swedish spreadsheet."""
    return open_source(
        EXAMPLES / "orders-other-headers.csv",
        encoding="cp1252",
        mapping=EXAMPLES / "mapping.toml",
    )


@pytest.mark.parametrize(
    ("source", "rows"), [(nordic(), 200), (other_headers(), 40)]
)
def test_right_files(source: Source, rows: int) -> None:
    """All orders of these files can be sent."""
    with check(source, promo_code="SPRING-12") as checked:
        assert (rows, rows, 0) == (
            checked.rows,
            checked.valid,
            checked.invalid,
        )


@pytest.mark.parametrize("source", [nordic(), other_headers()])
def test_nobody_is_real(source: Source) -> None:
    """Addresses and numbers are those kept free for examples."""
    people = [
        order[role]
        for order in orders(source)
        for role in ("userData", "ownerData")
        if role in order
    ]
    mails = [
        person[kind]
        for person in people
        for kind in ("email", "invoiceEmail")
        if kind in person
    ]
    phones = {
        re.sub(r"[ -]", "", person["phone"])
        for person in people
        if "phone" in person
    }

    assert [] == [it for it in mails if not EXAMPLE_HOST.fullmatch(it)]
    assert [] == [it for it in phones if not FICTIONAL.fullmatch(it)]


def test_the_orders_are_of_all_kinds() -> None:
    """The first file shows all that an order can hold."""
    sent = orders(nordic())
    text = str(sent)

    assert {"SE", "NO", "DK", "FI"} == {
        order["userData"]["address"]["country"] for order in sent
    }
    assert set("åäöøæÅÖØ") <= set(text)
    assert {"ownerData", "vendorData", "providerData"} <= {
        key for order in sent for key in order
    }
    assert {"businessDetails", "extraData", "birthday", "gender"} <= {
        key for order in sent for key in order["userData"]
    }


def test_the_file_with_mistakes_shows_each_kind() -> None:
    """Each kind of mistake is there, both kinds of repeats too."""
    with check(open_source(MISTAKES), promo_code="SPRING-12") as checked:
        reasons = {each.reason for each in checked.problems()}
        counts = (checked.rows, checked.valid, checked.invalid)

    assert (30, 8, 22) == counts
    for part in (
        "required",
        "must not begin or end with spaces",
        "did you mean KLARNA?",
        "must be one of BANKGIRO",
        "must be at least 1",
        "must be at most",
        "must be a whole number such as 1",
        "must look like name@example.com",
        "must be one of male, female, other",
        "must be an ISO 8601 date",
        "needs a UTC offset",
        "must be an id",
        "the same row as row 22",
        "has this externalOrderId too, with other data",
        "the row is cut",
        "a cell that holds the delimiter",
    ):
        assert any(part in reason for reason in reasons), part


def test_a_template_is_right(tmp_path: Path) -> None:
    """Its two orders can be sent, with its mapping and without."""
    table, mapping = tmp_path / "orders.csv", tmp_path / "mapping.toml"
    write_template(table, mapping)
    [first, second] = orders(open_source(table))

    assert "Astrid Bergström" == first["userData"]["fullName"]
    assert [first, second] == orders(open_source(table, mapping=mapping))


def test_a_template_has_what_is_documented(tmp_path: Path) -> None:
    """Whoever starts from it sees all that can be told of the payer."""
    table = tmp_path / "orders.csv"
    write_template(table, tmp_path / "mapping.toml")
    header = open_source(table).header
    own = {
        name
        for name in FIELDS
        if not name.startswith("ownerData") and name not in OVERRIDES
    }

    assert own <= set(header)
    assert {place for place in OPEN if not place.startswith("ownerData")} <= {
        name.rpartition(".")[0] for name in header
    }


def test_its_comments_are_right(tmp_path: Path) -> None:
    """Whoever takes the comment signs away has a mapping that works."""
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
    table = tmp_path / "other.csv"
    table.write_text(
        ",".join(columns) + "\n" + ",".join(["a@example.com"] * len(columns)),
        encoding="utf-8",
    )
    [order] = orders(open_source(table, mapping=mapping))

    assert "autumn-2026" == order["vendorData"]["campaign"]
    assert 1 == order["quantity"]


@pytest.mark.parametrize("name", ["orders.csv", "mapping.toml"])
def test_nothing_is_overwritten(tmp_path: Path, name: str) -> None:
    """What is there stays, and nothing is put beside it."""
    (tmp_path / name).write_text("mine")
    with pytest.raises(InputFileError, match=f"{name} is there already"):
        write_template(tmp_path / "orders.csv", tmp_path / "mapping.toml")

    assert "mine" == (tmp_path / name).read_text()
    assert [name] == [each.name for each in tmp_path.iterdir()]


def test_a_template_that_can_not_be_written(tmp_path: Path) -> None:
    """A folder that is not there is not made."""
    with pytest.raises(InputFileError, match="can't be written: No such file"):
        write_template(tmp_path / "x" / "a.csv", tmp_path / "x" / "a.toml")
