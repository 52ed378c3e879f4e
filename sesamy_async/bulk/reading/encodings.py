"""How the bytes of a file become text."""

from __future__ import annotations

import codecs

from sesamy_async.bulk.errors import InputFileError


DEFAULT = "utf-8-sig"
"""UTF-8, with or without a byte order mark."""

_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def checked_encoding(encoding: str | None) -> str:
    """Return a codec's name.

    Args:
        encoding: What was asked for; None for UTF-8.

    Raises:
        InputFileError: Python has no such text encoding.
    """
    if encoding is None:
        return DEFAULT
    try:
        name = codecs.lookup(encoding).name
        # An encoding that is not of text, such as base64, is refused here.
        "a".encode(name)
    except (LookupError, ValueError):
        raise InputFileError(
            f"There is no encoding {encoding!r}. What spreadsheets write in "
            "Western Europe is cp1252 or utf-8; give it as --encoding."
        ) from None
    return DEFAULT if name == "utf-8" else name


def advice(encoding: str, start: bytes) -> str:
    """Say which encoding to try instead.

    Args:
        encoding: The one that it can't be read with.
        start: The first bytes of the file.
    """
    if start.startswith(_WIDE):
        return "It looks like UTF-16: give --encoding utf-16."
    if encoding == DEFAULT:
        return "If a spreadsheet wrote the file, try --encoding cp1252."
    return "Save the file as UTF-8, or give the right --encoding."
