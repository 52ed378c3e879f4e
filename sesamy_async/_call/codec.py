"""JSON in and out: orjson where it is installed, else the stdlib's.

Both give the same bytes and read the same documents: where orjson can't do
what the stdlib does (or does something else), the stdlib does it.  Only a
document that is nested about a thousand levels deep may be read by one and
refused by the other.

No error holds what was read or written, neither in its message nor in what
it is chained to nor in the locals of its traceback: it is personal data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from enum import Enum
from importlib import import_module
from types import ModuleType
from typing import Any
from uuid import UUID


# Ten times as fast as a regular expression: all digits become zeros.
_DIGITS_TO_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_SHORT_EXPONENT = re.compile(rb"[0-9]e-[0-9](?![0-9])")


class Codec:
    """Reads and writes JSON with nothing but the standard library."""

    def loads(self, content: bytes) -> Any:
        """Read a document in UTF-8, UTF-16 or UTF-32, with or without BOM.

        Bytes that are no text are replaced rather than refused: a name in
        the wrong charset must not make a created contract unreadable.

        Args:
            content: The document.

        Returns:
            What it says.

        Raises:
            ValueError: It is no JSON, or more than can be read.
        """
        value, wrong = self._read(content)
        del content
        if wrong is not None:
            raise ValueError(wrong)
        return value

    def dumps(self, value: Any) -> bytes:
        """Write compact JSON in UTF-8.

        Args:
            value: JSON types; also members of an Enum (by value) and UUIDs,
                which orjson can't be kept from writing.

        Returns:
            The document.

        Raises:
            ValueError: JSON can't say this: NaN, infinity, a lone
                surrogate, another type, a cycle, too deep a nesting.
        """
        content = self._write(value)
        del value
        if isinstance(content, bytes):
            return content
        raise ValueError(content)

    def _read(self, content: bytes) -> tuple[Any, str | None]:
        try:
            encoding = json.detect_encoding(content)
            return json.loads(content.decode(encoding, "replace")), None
        except RecursionError:
            return None, "The JSON is nested too deeply."
        except json.JSONDecodeError as error:
            place = f"line {error.lineno} column {error.colno}"
            return None, f"It is no JSON: {error.msg}, {place}."
        except ValueError:
            return None, "The JSON has a number of too many digits."

    def _write(self, value: Any) -> bytes | str:
        """Return the document, or what is wrong."""
        try:
            return _ENCODER.encode(value).encode()
        except RecursionError:
            return "It is nested too deeply for JSON."
        except UnicodeEncodeError:
            return "A lone surrogate is no text, so JSON can't hold it."
        except (TypeError, ValueError) as error:
            return f"JSON can't hold it: {error}."


class OrjsonCodec(Codec):
    """The same with orjson, which is several times faster."""

    def __init__(self, orjson: ModuleType) -> None:
        self._fast_loads = orjson.loads
        self._fast_dumps = orjson.dumps
        self._options = (
            orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME
        )

    def _read(self, content: bytes) -> tuple[Any, str | None]:
        # orjson turns integers of more than 64 bits into floats: such an
        # id would be lost.
        if _LONG_NUMBER not in content.translate(_DIGITS_TO_ZERO):
            try:
                return self._fast_loads(content), None
            except ValueError:
                pass
        return super()._read(content)

    def _write(self, value: Any) -> bytes | str:
        try:
            content: bytes = self._fast_dumps(value, None, self._options)
        except TypeError:
            return super()._write(value)
        # Its `null` may have been a NaN.  Its 0.00001 and 1e-7 are the
        # stdlib's 1e-05 and 1e-07.
        if (
            b"null" in content
            or b"0.0000" in content
            or (b"e-" in content and _SHORT_EXPONENT.search(content))
        ):
            return super()._write(value)
        return content


def best_codec() -> Codec:
    """Return the fastest codec that is installed."""
    try:
        return OrjsonCodec(import_module("orjson"))
    except ImportError:
        return Codec()


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON type")


_ENCODER = json.JSONEncoder(
    ensure_ascii=False,
    allow_nan=False,
    separators=(",", ":"),
    default=_plain,
)
_CODEC = best_codec()

loads: Callable[[bytes], Any] = _CODEC.loads
dumps: Callable[[Any], bytes] = _CODEC.dumps
