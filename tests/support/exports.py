"""Made-up files as shops, payment providers and people write them.

They are in ``exports.txt``.  The second line of each says what its columns
are: ``-`` where they are left out, ``owner.`` before what belongs to an
owner, and else the path without ``userData.`` or ``userData.address.``.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Export(NamedTuple):
    """A file, and what its columns are."""

    header: list[str]
    expected: list[str]
    rows: list[list[str]]


_ORDER = {
    "id": "externalOrderId",
    "provider": "paymentProvider",
    "method": "paymentMethod",
    "quantity": "quantity",
    "promo": "promoCode",
    "vendor": "vendorId",
}
_ADDRESS = {
    *("country", "zip", "city", "street", "co", "lastName", "firstName"),
}
_BUSINESS = {"vatNr", "companyName"}


def _path(short: str) -> str:
    if short == "-":
        return ""
    if short in _ORDER or short.startswith("vendorData."):
        return _ORDER.get(short, short)
    owner = short.startswith("owner.")
    name = short.removeprefix("owner.")
    inner = "address." if name in _ADDRESS else ""
    inner = "businessDetails." if name in _BUSINESS else inner
    return f"{'ownerData' if owner else 'userData'}.{inner}{name}"


def export(name: str) -> Export:
    """Return one of the files."""
    header, short, *rows = (
        [cell.strip() for cell in line.split("|")] for line in EXPORTS[name]
    )
    return Export(header, [*map(_path, short)], rows)


_TEXT = Path(__file__).with_suffix(".txt").read_text("utf-8")
EXPORTS = {
    name: lines.strip().split("\n")
    for name, _, lines in (
        block.partition("\n") for block in _TEXT[2:].split("\n\n# ")
    )
}
