"""Where a file stops being text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.record import Record

from .encodings import DEFAULT, advice
from .files import beginning
from .lines import Text


_ESCAPED = re.compile("[\udc80-\udcff]")
_FIRST = 0xDC00  # What "surrogateescape" adds to a byte.


def undecodable(
    text: Text,
    records: Callable[[Iterator[str]], Iterator[Record]],
    *,
    headed: bool,
) -> InputFileError:
    """Return the error that says where the first wrong byte is.

    The file is read once more, with its wrong bytes marked: a decoder reads
    ahead, so what it says of the place has nothing to do with rows.

    Args:
        text: The file.
        records: Makes rows of lines.
        headed: Whether the first row holds the names of the cells.
    """
    encoding = "UTF-8" if text.encoding == DEFAULT else text.encoding
    where, byte = _place(text, records, headed=headed)
    what = f"holds byte 0x{byte:02x}, which is" if byte else "is"
    said = advice(text.encoding, beginning(text.path))
    return InputFileError(
        f"{text.path.name}{where}: it {what} no {encoding}. {said}"
    )


def _place(
    text: Text,
    records: Callable[[Iterator[str]], Iterator[Record]],
    *,
    headed: bool,
) -> tuple[str, int]:
    header: Sequence[str] = ()
    try:
        for record in records(text.lines("surrogateescape")):
            for index, cell in enumerate(record.cells):
                found = _ESCAPED.search(cell)
                if found is not None:
                    column = "".join(header[index : index + 1])
                    where = f", row {record.number}, {column}"
                    byte = ord(found[0]) - _FIRST
                    return where.removesuffix(", "), byte
            if headed and not header:
                header = record.cells
    except (UnicodeError, InputFileError):
        # Not every codec can mark them.
        pass
    return "", 0
