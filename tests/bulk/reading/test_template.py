"""A template is a file that can be imported as it is."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from sesamy_async.bulk import InputFileError
from sesamy_async.bulk.reading import open_source, write_template
from sesamy_async.bulk.reading._fields import FIELDS, OPEN, OVERRIDES
from support.order_files import orders


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
