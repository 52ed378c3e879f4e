"""JSON in and out: with orjson if it is installed, else with the stdlib.

Both write the same bytes and read the same documents: what orjson can't do,
or does in another way, the stdlib does.  Only a document with about a
thousand levels may be read by one and refused by the other.

No error contains what was read or written: it is personal data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any
from uuid import UUID

from .guard import guarded


# Ten times as fast as a regular expression: all digits become zeros.
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_SHORT_EXPONENT = re.compile(rb"[0-9]e-[0-9](?![0-9])")


class Codec:
    """Reads and writes JSON with nothing but the standard library."""

    @guarded
    def loads(self, content: bytes) -> Any:
        """Read a document in UTF-8, UTF-16 or UTF-32, with or without BOM.

        Bytes that are not text are replaced: a name in the wrong charset
        must not make a created contract unreadable.

        Raises:
            ValueError: It is not JSON, or more than can be read.
        """
        try:
            encoding = json.detect_encoding(content)
            return json.loads(content.decode(encoding, "replace"))
        except RecursionError:
            wrong = "The JSON is nested too deeply."
        except json.JSONDecodeError as error:
            place = f"line {error.lineno} column {error.colno}"
            wrong = f"It is not JSON: {error.msg}, {place}."
        except ValueError:
            wrong = "A number in the JSON has too many digits."
        # Outside of `except`: the other error contains what was read.
        raise ValueError(wrong)

    @guarded
    def dumps(self, value: Any) -> bytes:
        """Write compact JSON in UTF-8: JSON types, Enum members and UUIDs.

        Raises:
            ValueError: It can't be written as JSON: NaN, infinity, a lone
                surrogate, another type, a cycle, too many levels.
        """
        try:
            return _ENCODER.encode(value).encode()
        except RecursionError:
            wrong = "It is nested too deeply for JSON."
        except UnicodeEncodeError:
            wrong = (
                "A lone surrogate is not valid text, so it can't be "
                "written as JSON."
            )
        except (TypeError, ValueError) as error:
            wrong = f"It can't be written as JSON: {error}."
        raise ValueError(wrong)


class OrjsonCodec(Codec):
    """The same with orjson, which is several times faster."""

    def __init__(self, orjson: ModuleType) -> None:
        self._orjson = orjson
        self._options = (
            orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
        )

    @guarded
    def loads(self, content: bytes) -> Any:
        # orjson turns integers of more than 64 bits into floats: such an
        # id would be lost.
        if _LONG_NUMBER not in content.translate(_DIGITS_TO_ZERO):
            with suppress(ValueError):
                return self._orjson.loads(content)
        return super().loads(content)

    @guarded
    def dumps(self, value: Any) -> bytes:
        try:
            content: bytes = self._orjson.dumps(value, None, self._options)
        except TypeError:
            content = b"null"
        # A null may have been a NaN.  The stdlib writes 1e-05 and 1e-07,
        # orjson 0.00001 and 1e-7.
        if (
            b"null" in content
            or b"0.0000" in content
            or (b"e-" in content and _SHORT_EXPONENT.search(content))
        ):
            return super().dumps(value)
        return content


def best_codec() -> Codec:
    """Return the faster codec that is installed."""
    try:
        return OrjsonCodec(import_module("orjson"))
    except ImportError:
        return Codec()


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not a JSON type")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False,
    allow_nan=False,
    separators=(",", ":"),
    default=_plain,
)
_CODEC = best_codec()

loads: Callable[[bytes], Any] = _CODEC.loads
dumps: Callable[[Any], bytes] = _CODEC.dumps
