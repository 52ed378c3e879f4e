"""What stands between the cells."""

from __future__ import annotations

import re

from sesamy_async.bulk.errors import InputFileError


_KNOWN = (",", ";", "\t")
_QUOTED = re.compile(r'"[^"]*"?')


def delimiter_in(header: str) -> str:
    """Find out the delimiter from the first line of a file.

    `csv.Sniffer` looks at whole rows, and takes the spaces or the letters
    of an address for one.

    Returns:
        The one of comma, semicolon and tab that is there most often outside
        of quotation marks; a comma where there is none.
    """
    bare = _QUOTED.sub("", header)
    return max(_KNOWN, key=bare.count)


def checked_delimiter(delimiter: str) -> str:
    """Return a delimiter that was asked for.

    Raises:
        InputFileError: It can't be one.
    """
    if len(delimiter) != 1 or delimiter in '"\r\n\0':
        raise InputFileError(
            "The delimiter must be one character, such as ',' or ';', and "
            "neither a quotation mark nor a line break."
        )
    return delimiter
