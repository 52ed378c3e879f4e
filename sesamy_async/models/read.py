"""Reading an order from JSON, so that nothing of it leaks when it's wrong.

These functions return what is wrong instead of raising it: an error that
passes a frame shows, in the frame's locals, the document that was read.
"""

from __future__ import annotations

import json
from typing import Any, TypeVar

from .check import Refused, refused_data
from .convert import CONVERTER
from .repeated import object_of
from .texts import kind


_T = TypeVar("_T")
_DECODER = json.JSONDecoder(object_pairs_hook=object_of)


def read_data(cls: type[_T], data: object) -> _T | Refused:
    """Build an instance of `cls` from JSON data.

    Args:
        cls: A class of the order.
        data: What ``json.loads`` returns.

    Returns:
        The instance, or everything that is wrong with the data.
    """
    return refused_data(cls, data) or CONVERTER.structure(data, cls)


def read_text(cls: type[_T], text: object) -> _T | Refused:
    """Build an instance of `cls` from a JSON document.

    Args:
        cls: A class of the order.
        text: The document as str or as bytes in UTF-8, with or without a
            byte order mark.

    Returns:
        The instance, or everything that is wrong with the document.
    """
    data, problem = parse(text)
    if problem is not None:
        return Refused("JSON", (problem,))
    return read_data(cls, data)


def parse(text: object) -> tuple[Any, str | None]:
    """Parse a JSON document so that repeated keys are found.

    Args:
        text: The document as str or as bytes in UTF-8, with or without a
            byte order mark.

    Returns:
        What it says, and None; or None, and why it can't be parsed.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode()
        if not isinstance(text, str):
            return None, f"expected str or bytes, got {kind(text)}"
        return _DECODER.decode(text.removeprefix("\ufeff")), None
    except RecursionError:
        return None, "nested too deeply"
    except UnicodeDecodeError as error:
        return None, f"not UTF-8 at byte {error.start}"
    except json.JSONDecodeError as error:
        place = f"line {error.lineno} column {error.colno}"
        return None, f"broken at {place}: {error.msg}"
    except ValueError:
        return None, "has a number of too many digits"
