"""Telling values apart, in words that don't give them away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard


_SURROGATE = re.compile("[\ud800-\udfff]")
_LONGEST_NAME = 60


def is_mapping(value: object) -> TypeGuard[Mapping[Any, Any]]:
    """Whether it is a mapping, of whatever to whatever."""
    return isinstance(value, Mapping)


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is an object of parsed JSON."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether it is an array of parsed JSON."""
    return isinstance(value, list)


def kind(value: object) -> str:
    """Name the type of a value."""
    return "None" if value is None else type(value).__name__


def name_of(key: object) -> str:
    """Show the key of an object so that it can stand in a message."""
    if not isinstance(key, str):
        return f"<{kind(key)}>"
    if key and key.isprintable() and len(key) <= _LONGEST_NAME:
        return key
    return repr(key[:_LONGEST_NAME])


def text_problems(value: object, path: str) -> Iterator[str]:
    """Yield why a value is no text that can be sent, if it isn't."""
    if not isinstance(value, str):
        yield f"{path}: expected str, got {kind(value)}"
    elif _SURROGATE.search(value):
        yield f"{path}: has a lone surrogate, which is no text"
