"""Cells that a spreadsheet shows rather than runs."""

from __future__ import annotations


# What begins a formula in one spreadsheet or another (OWASP, "CSV injection").
_FORMULA = (*"=+-@＝＋－＠", "\t", "\r", "\n")  # noqa: RUF001 - full width


def harmless(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    None is an empty cell.  An apostrophe in front makes a spreadsheet show
    the rest as it stands.
    """
    text = "" if value is None else str(value)
    # Also before apostrophes of its own, so that one can be taken away again.
    return f"'{text}" if text.lstrip("'").startswith(_FORMULA) else text
