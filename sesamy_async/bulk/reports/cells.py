"""Cells that a spreadsheet shows rather than runs."""

from __future__ import annotations


# What begins a formula in one spreadsheet or another (OWASP, "CSV injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def harmless(value: object) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    None is an empty cell.  An apostrophe in front makes a spreadsheet show
    the rest as it stands.
    """
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
