"""Blot out in Sesamy's words what the caller has sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from .call import Request


_WORD = r"[^\s@\"'<>(),;:]"
# Tried at the first character of a word only: at each one, it would take
# minutes for a word of some megabytes.
_EMAIL = re.compile(rf"(?<!{_WORD}){_WORD}++@{_WORD}++")
_PUBLIC = {"externalOrderId", "paymentProvider", "paymentMethod", "gender"}
_BOOLEANS = {"true", "false"}
_SHORTEST = 3
_LONGEST = 200
_DEEPEST = 64
_BLOT = "***"


def redact(value: Any, request: Request) -> Any:
    """Return `value` without what the request said.

    A server that repeats the customer's e-mail address in its error must
    not put it into our messages and logs.  Values of fewer than three
    characters are left: blotting out every "1" would help nobody.

    Args:
        value: A JSON value from an error answer.
        request: Its JSON body, query and Authorization are looked at.
    """
    sent = {*_in_body(request), *_in_query(request), *_in_header(request)}
    words = sorted(sent, key=len, reverse=True)

    def clean(text: str) -> str:
        for word in words:
            # Looked for first: most words are in no message, and to make
            # a pattern of a large one takes long.
            if word.lower() in text.lower():
                text = re.sub(
                    re.escape(word), _BLOT, text, flags=re.IGNORECASE
                )
        return _EMAIL.sub(_BLOT, text)

    def blot(item: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            return _BLOT
        if isinstance(item, str):
            return clean(item)
        if isinstance(item, dict):
            pairs = cast("dict[str, Any]", item).items()
            return {clean(key): blot(inner, depth + 1) for key, inner in pairs}
        if isinstance(item, list):
            return [
                blot(inner, depth + 1) for inner in cast("list[object]", item)
            ]
        return _BLOT if _as_word(item) in words else item

    return blot(value, 0)


def presentable(text: Any) -> str | None:
    """Return words of the server's for a message: one line, not long."""
    if not isinstance(text, str):
        return None
    line = " ".join(text.split())
    shown = "".join(char for char in line if char.isprintable())
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _in_body(request: Request) -> Iterator[str]:
    try:
        body = json.loads(request.content)
    except (ValueError, RecursionError):
        return
    yield from _personal(body)


def _in_query(request: Request) -> Iterator[str]:
    for _, value in parse_qsl(urlsplit(request.url).query):
        if len(value) >= _SHORTEST and value not in _BOOLEANS:
            yield value


def _in_header(request: Request) -> Iterator[str]:
    if request.authorization is not None:
        scheme, _, token = request.authorization.reveal().partition(" ")
        if word := _as_word(token or scheme):
            yield word


def _personal(value: Any) -> Iterator[str]:
    # No recursion: what was sent may be nested as deeply as JSON goes.
    rest = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            pairs = cast("dict[str, Any]", item).items()
            rest += [inner for key, inner in pairs if key not in _PUBLIC]
        elif isinstance(item, list):
            rest += item
        elif word := _as_word(item):
            yield word


def _as_word(value: Any) -> str:
    """Return a string or number as it may be repeated; else nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    word = str(value)
    return word if len(word) >= _SHORTEST else ""
