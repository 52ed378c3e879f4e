"""What an odd file is, what must come of it, and how its bytes are made."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import attrs


Row: TypeAlias = Mapping[str, str]
"""The cells of an order, by the short names of `PATHS`."""

Sent: TypeAlias = Mapping[str, Any]
"""The values of an order that is sent, by their documented paths."""

PATHS: Row = MappingProxyType(
    {
        "id": "externalOrderId",
        "provider": "paymentProvider",
        "method": "paymentMethod",
        "quantity": "quantity",
        "email": "userData.email",
        "name": "userData.fullName",
        "phone": "userData.phone",
        "birthday": "userData.birthday",
        "street": "userData.address.street",
        "zip": "userData.address.zip",
        "city": "userData.address.city",
        "country": "userData.address.country",
        "amount": "userData.extraData.amount",
        "company": "userData.businessDetails.companyName",
        "kept_id": "#externalOrderId",
    }
)
COLUMNS = (
    *("id", "provider", "method", "quantity", "email", "name", "phone"),
    *("zip", "city", "country"),
)
"""The columns that the files have, if nothing else is said."""

YLVA: Row = MappingProxyType(
    {
        "id": "A-1001",
        "provider": "BILLOGRAM",
        "method": "INVOICE",
        "quantity": "1",
        "email": "ylva.ost@example.com",
        "name": "Ylva Öst",
        "phone": "+46313900601",
        "zip": "413 04",
        "city": "Göteborg",
        "country": "SE",
    }
)
BJORN: Row = MappingProxyType(
    {
        "id": "A-1002",
        "provider": "KLARNA",
        "method": "CARD",
        "quantity": "2",
        "email": "bjorn.lovas@example.org",
        "name": "Bjørn Løvås",
        "phone": "+46313900602",
        "zip": "0352",
        "city": "Oslo",
        "country": "NO",
    }
)
AINO: Row = MappingProxyType(
    {
        "id": "A-1003",
        "provider": "STRIPE",
        "method": "CARD",
        "quantity": "1",
        "email": "aino.makela@example.net",
        "name": "Aino Mäkelä",
        "phone": "+46313900603",
        "zip": "00100",
        "city": "Helsinki",
        "country": "FI",
    }
)
PEOPLE = (YLVA, BJORN, AINO)
"""Orders of people that nobody is; they are in rows 2, 3 and 4."""

TRIED = "tried"
"""The source of a file that is in no public report."""


@attrs.frozen(kw_only=True)
class Outcome:
    """What must come of a file.

    Attributes:
        orders: Exactly the orders of the rows that are right.
        cleaned: What is said of columns that were cleaned: words that
            are looked for (a pattern), by column.
        warned: The same of columns with warnings.
        wrong: What is said of rows with a mistake, by row and column.
        refused: Phrases of the message, if the file is refused as a whole.
    """

    orders: tuple[Sent, ...] = ()
    cleaned: Mapping[str, str] = attrs.field(factory=dict[str, str])
    warned: Mapping[str, str] = attrs.field(factory=dict[str, str])
    wrong: Mapping[tuple[int, str], str] = attrs.field(
        factory=dict[tuple[int, str], str]
    )
    refused: tuple[str, ...] = ()

    @property
    def is_sent(self) -> bool:
        """Whether anything is sent, unless rows are to be left out."""
        return not (self.wrong or self.refused)

    def __str__(self) -> str:
        if self.refused:
            phrases = ", ".join(f"“{each}”" for each in self.refused)
            return f"refused: {phrases}"
        if self.wrong:
            rows = "; ".join(
                f"row {row}, {column}".removesuffix(", ")
                for row, column in self.wrong
            )
            return f"refused: {rows}"
        told = [
            *(f"cleaned: {each}" for each in self.cleaned),
            *(f"warning: {each or 'the row'}" for each in self.warned),
        ]
        return "; ".join(["sent", *told])


@attrs.frozen
class OddFile:
    """A file as people have them.

    Attributes:
        name: Its name.
        what: What it is, in one line.
        source: The address of a public report of such a file, or `TRIED`.
        content: Makes its bytes.
        outcome: What must come of it.
        mapping: The mapping that it is read with; "" for none.
        options: The options that it is read with.
    """

    name: str
    what: str
    source: str
    content: Callable[[], bytes] = attrs.field(repr=False)
    outcome: Outcome = attrs.field(repr=False)
    mapping: str = attrs.field(default="", kw_only=True, repr=False)
    options: Mapping[str, Any] = attrs.field(
        factory=dict[str, Any], kw_only=True
    )

    def write(self, folder: Path) -> tuple[Path, dict[str, Any]]:
        """Write it, and its mapping; return its path and all options."""
        path = folder / self.name
        path.write_bytes(self.content())
        options = {**self.options}
        if self.mapping:
            mapping = folder / f"{self.name}.toml"
            mapping.write_text(self.mapping, encoding="utf-8")
            options["mapping"] = mapping
        return path, options


def changed(which: Row, rows: Iterable[Row] = PEOPLE, **cells: str) -> Rows:
    """Return the rows, one of them with other cells."""
    return tuple(
        {**row, **cells} if row["id"] == which["id"] else row for row in rows
    )


Rows: TypeAlias = tuple[Row, ...]


def all_changed(name: str, *cells: str) -> Rows:
    """Return the orders of all people with other cells in a column."""
    return tuple(
        {**row, name: cell} for row, cell in zip(PEOPLE, cells, strict=True)
    )


def sent(*rows: Row) -> tuple[Sent, ...]:
    """Return what is sent of rows whose cells are right as they are."""
    return tuple(
        {
            PATHS[name]: int(cell) if name == "quantity" else cell
            for name, cell in row.items()
            if cell and name != "kept_id"
        }
        for row in rows
    )


def flat(order: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Return the values of an order by their paths."""
    values: dict[str, Any] = {}
    for name, value in order.items():
        path = f"{above}{name}"
        if isinstance(value, dict):
            values |= flat(value, f"{path}.")
        else:
            values[path] = value
    return values


def as_it_is(rows: Iterable[Row] = PEOPLE) -> Outcome:
    """Return the outcome of rows that are sent as they are."""
    return Outcome(orders=sent(*rows))


def lines(
    rows: Iterable[Row] = PEOPLE,
    *,
    columns: Sequence[str] = COLUMNS,
    headers: Row = PATHS,
    delimiter: str = ";",
    quote: str = "",
) -> list[str]:
    """Return the lines of CSV; a cell with a delimiter brings its quotes."""
    table = [
        [headers.get(name, PATHS[name]) for name in columns],
        *([row.get(name, "") for name in columns] for row in rows),
    ]
    return [
        delimiter.join(f"{quote}{cell}{quote}" for cell in cells)
        for cells in table
    ]


def text(
    texts: Iterable[str], encoding: str = "utf-8", newline: str = "\r\n"
) -> Callable[[], bytes]:
    """Return what makes a text file of lines."""
    whole = "".join(f"{it}{newline}" for it in texts)
    return lambda: whole.encode(encoding)


def csv(
    rows: Iterable[Row] = PEOPLE,
    encoding: str = "utf-8",
    newline: str = "\r\n",
    **how: Any,
) -> Callable[[], bytes]:
    """Return what makes a CSV file of orders."""
    return text(lines(rows, **how), encoding, newline)


def zipped(members: Mapping[str, str | bytes]) -> bytes:
    """Return a zip of these members, the first of them not compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, content) in enumerate(members.items()):
            how = zipfile.ZIP_DEFLATED if number else zipfile.ZIP_STORED
            archive.writestr(name, content, how)
    return buffer.getvalue()


def gzipped(content: bytes) -> bytes:
    """Return the bytes as gzip has them."""
    return gzip.compress(content, mtime=0)
