"""What an import says of the cells of a file: on a terminal, with examples.

Cells are personal.  They are shown on the terminal of whoever has the file,
and never in a log.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from sesamy_async._models import is_object
from sesamy_async._wire import encode_order
from sesamy_async.bulk import Entry, Note, Remark, Sale, Source, State
from sesamy_async.bulk._told import reader
from sesamy_async.bulk.check import Checked, Finding, notes_on
from sesamy_async.bulk.reports._words import count


_PREVIEWED = 3
_LONGEST = 60


def of_cells(
    source: Source, found: Checked
) -> tuple[list[Finding], list[Finding]]:
    """Return what was cleaned in cells, and what may be wrong in them."""
    whole = {(each.remark, each.column) for each in notes_on(source)}
    cleaned, warnings = (
        [it for it in findings if (it.remark, it.column) not in whole]
        for findings in (found.cleaned, found.warnings)
    )
    return cleaned, warnings


def remarks(
    source: Source, found: Checked, *, examples: bool, strict: bool = False
) -> Iterator[str]:
    """Yield lines on what was cleaned, then on what may be wrong.

    Args:
        source: The file.
        found: The result of its check.
        examples: Whether the first cells are shown.
        strict: Whether what may be wrong is wrong, and said as that.
    """
    cleaned, warnings = of_cells(source, found)
    if cleaned:
        yield "Cleaned:"
        yield from _findings(cleaned, examples=examples)
    if warnings and not strict:
        yield "Warnings, which keep nothing from being sent:"
        yield from _findings(warnings, examples=examples)


def remarks_on_file(source: Source, *, examples: bool) -> Iterator[str]:
    """Yield lines on the file as a whole."""
    said_of: set[Remark] = set()
    for each in notes_on(source):
        if each.remark in said_of and not examples:
            continue
        said_of.add(each.remark)
        where = f", row {each.row}" if each.row else ""
        said = f"{source.name}{where}: {each.remark.text}"
        cells = _cells(each) if examples else ""
        yield f"{said}: {cells}" if cells else f"{said}."


def counted(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Return findings for machines, without any cell."""
    return [
        {"column": it.column, "remark": it.remark.text, "count": it.count}
        for it in findings
    ]


def _findings(findings: Iterable[Finding], *, examples: bool) -> Iterator[str]:
    for each in findings:
        what = f"{count(each.count, 'cell')} in {each.column}"
        if not each.column:
            what = count(each.count, "row")
        said, asks = f"  {what}: {each.remark.text}", each.remark.asks
        if not examples or not each.column:
            rows = ", ".join(map(str, each.rows))
            more = each.count - len(each.rows)
            where = f"row {rows}{f' and {more:,} more' * bool(more)}."
            yield (
                f"{said} {where.capitalize()}" if asks else f"{said}: {where}"
            )
            continue
        if each.count > len(each.examples):
            said += " Such as" if asks else ", such as"
        yield said
        for note in each.examples:
            cells = _cells(note)
            yield f"    row {note.row}{f': {cells}' if cells else ''}"


def _cells(note: Note) -> str:
    """Return what a cell was, and what it is now."""
    shown = [_quoted(it) for it in (note.before, note.after)]
    if note.before == note.after:
        return shown[0] if note.before else ""
    return " → ".join(shown)


def _quoted(cell: str) -> str:
    cut = f"{cell[:_LONGEST]}…" if len(cell) > _LONGEST else cell
    return f"'{cut}'"


def preview(
    source: Source, found: Checked, promo_code: str | None
) -> Iterator[str]:
    """Yield lines on the first orders, as they would be sent.

    Raises:
        InputFileError: The file can't be read again.
    """
    able = (each for each in found.planned() if each.reason is None)
    entries = [
        Entry(row=each.row, order_id=each.order_id, state=State.PENDING)
        for each in islice(able, _PREVIEWED)
    ]
    if not entries:
        return
    number = len(entries)
    many = "order as it" if number == 1 else f"{number} orders as they"
    yield f"The first {many} would be sent:"
    sale_of = reader(source)
    for each in entries:
        yield f"  Row {each.row}"
        yield from _plainly(sale_of(each), promo_code)


_WORDS = {
    "externalOrderId": "order",
    "quantity": "quantity",
    "email": "e-mail",
    "fullName": "name",
    "phone": "phone",
    "invoiceEmail": "e-mail for invoices",
    "gender": "gender",
    "birthday": "birthday",
    "country": "country",
    "zip": "zip",
    "city": "city",
    "street": "street",
    "co": "c/o",
    "lastName": "last name",
    "firstName": "first name",
    "vatNr": "VAT number",
    "companyName": "company",
}
_OWN = {
    "vendorData.": "vendor data, ",
    "providerData.": "provider data, ",
    "userData.extraData.": "extra data, ",
    "ownerData.extraData.": "owner's extra data, ",
}


def _plainly(sale: Sale, promo_code: str | None) -> Iterator[str]:
    """Yield a line for each field of an order."""
    sent = json.loads(encode_order(sale.order))
    payment = _payment(
        sent.pop("paymentMethod", None), sent.pop("paymentProvider", None)
    )
    fields = {
        "Order": sent.pop("externalOrderId"),
        "Promo code": sale.promo_code or promo_code,
        "Publisher": sale.vendor_id,
        "Payment": payment,
        **{
            _label(path): value
            for path, value in sorted(_flat(sent), key=_own)
        },
    }
    given = {label: value for label, value in fields.items() if value}
    width = max(map(len, given))
    for label, value in given.items():
        yield f"    {label:<{width}}  {value}"


def _own(field: tuple[str, str]) -> bool:
    """Whether it is a field of the seller's own, which comes last."""
    return field[0].startswith(("vendorData.", "providerData."))


def _payment(method: str | None, provider: str | None) -> str:
    """Return such as "invoice by Billogram"."""
    said = [
        "" if method is None else method.lower().replace("_", " "),
        "" if provider is None else provider.replace("_", " ").title(),
    ]
    return " by ".join(filter(None, said))


def _label(path: str) -> str:
    """Return a field's name in plain words."""
    for place, words in _OWN.items():
        if path.startswith(place):
            return _capital(f"{words}{path.removeprefix(place)}")
    name = path.rpartition(".")[2]
    owner = "owner's " if path.startswith("ownerData.") else ""
    return _capital(f"{owner}{_WORDS.get(name, name)}")


def _capital(words: str) -> str:
    return f"{words[0].upper()}{words[1:]}"


def _flat(sent: dict[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in sent.items():
        if is_object(value):
            yield from _flat(value, f"{above}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            yield f"{above}{name}", text
