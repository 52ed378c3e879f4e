"""The file that is imported."""

from __future__ import annotations

from pathlib import Path


ORDERS = 10

_HEADER = (
    "externalOrderId,paymentProvider,paymentMethod,quantity,userData.email\n"
)
_ROW = "{0},KLARNA,CARD,1,{0}@example.com\n"


def write_orders(path: Path, name: str) -> None:
    """Write a file of orders whose ids begin with a name."""
    ids = (f"{name}-{number}" for number in range(ORDERS))
    rows = "".join(_ROW.format(each) for each in ids)
    path.write_text(_HEADER + rows, encoding="utf-8")
