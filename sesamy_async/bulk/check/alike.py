"""Orders whose ids people take for the same."""

from __future__ import annotations

from unicodedata import normalize

import attrs


@attrs.frozen
class Alike:
    """Two rows whose ids differ in case or in Unicode form only.

    They are two orders, and both are sent; more often than not one of them
    is a mistake.

    Attributes:
        row: The later one.
        other: The first one that looks the same.

    .. versionadded:: 0.1.0
    """

    row: int
    other: int


def looks(order_id: str) -> str:
    """Return what ids have in common that look the same.

    Case and Unicode form are left out, as in a canonical caseless match
    of the Unicode standard.
    """
    if order_id.isascii():
        return order_id.lower()
    return normalize("NFC", order_id.casefold())
