"""Blot out in Sesamy's words what the caller has sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast


_EMAIL = re.compile(r"[^\s@\"'<>(),;:]+@[^\s@\"'<>(),;:]+")
_PUBLIC = {"externalOrderId", "paymentProvider", "paymentMethod", "gender"}
_SHORTEST = 3
_BLOT = "***"


def redact(value: Any, sent: bytes) -> Any:
    """Return `value` without the strings of the request body `sent`.

    A server that repeats the customer's e-mail address in its error must
    not put it into our messages and logs.  Values of fewer than three
    characters are left: blotting out every "1" would help nobody.

    Args:
        value: A JSON value from an error answer.
        sent: The JSON body of the request; anything else has no strings.
    """
    words = sorted(set(_personal(_parse(sent))), key=len, reverse=True)

    def clean(text: str) -> str:
        for word in words:
            # Looked for first: most words are in no message, and to make
            # a pattern of a large one takes long.
            if word.lower() in text.lower():
                text = re.sub(
                    re.escape(word), _BLOT, text, flags=re.IGNORECASE
                )
        return _EMAIL.sub(_BLOT, text)

    def blot(item: Any) -> Any:
        if isinstance(item, str):
            return clean(item)
        if isinstance(item, dict):
            pairs = cast("dict[str, Any]", item).items()
            return {blot(key): blot(inner) for key, inner in pairs}
        if isinstance(item, list):
            return [blot(inner) for inner in cast("list[object]", item)]
        return item

    return blot(value)


def _parse(sent: bytes) -> Any:
    try:
        return json.loads(sent)
    except ValueError:
        return None


def _personal(value: Any) -> Iterator[str]:
    if isinstance(value, str) and len(value) >= _SHORTEST:
        yield value
    elif isinstance(value, dict):
        for key, inner in cast("dict[str, Any]", value).items():
            if key not in _PUBLIC:
                yield from _personal(inner)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _personal(inner)
