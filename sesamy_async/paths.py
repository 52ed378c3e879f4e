"""Put ids into URLs so that they stay what they are: one segment each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast
from urllib.parse import quote, unquote, urlencode

from .core.secret import Secret
from .errors import InvalidRequestError


_LONGEST = 1000
_MOST_BITS = 1024  # Of a number; as many as the largest float has.
_DOTS = {".", ".."}
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# What a path may hold as it is (RFC 3986, section 3.3), and escapes.
_KEPT = "/%:@!$&'()*+,;=~"


def segment(name: str, value: object) -> str:
    """Return an id, percent-encoded as one segment of a path.

    Args:
        name: The argument, for the message.
        value: What was given for it.

    Raises:
        InvalidRequestError: It is no string, empty, ``.`` or ``..``, too
            long, or holds control characters.
    """
    if not isinstance(value, str):
        raise InvalidRequestError(
            f"{name} must be a str, got {type(value).__name__}."
        )
    if not value.strip() or value in _DOTS:
        raise InvalidRequestError(
            f"{name} must be an id; it is empty, '.' or '..'."
        )
    if len(value) > _LONGEST:
        raise InvalidRequestError(
            f"{name} has {len(value)} characters; {_LONGEST} are the most."
        )
    if not _plain(value):
        raise InvalidRequestError(
            f"{name} holds control characters or broken Unicode."
        )
    return quote(value, safe="")


def api_path(path: object) -> str:
    """Return a path for `client.request`, percent-encoded.

    Escapes that are in it stay as they are.

    Raises:
        InvalidRequestError: It could lead elsewhere than below base_url.
    """
    if not isinstance(path, str) or not path.startswith("/"):
        raise InvalidRequestError(
            "path must be a str that begins with '/', below base_url."
        )
    if not _plain(path) or "?" in path or "#" in path or "\\" in path:
        raise InvalidRequestError(
            "path holds one of '?', '#', '\\' or control characters; "
            "give the query as query=."
        )
    segments = [unquote(each) for each in path.split("/")]
    if path.startswith("//") or any(
        _DOTS & set(each.split("/")) for each in segments
    ):
        raise InvalidRequestError("path leads elsewhere ('//', '.' or '..').")
    return quote(path, safe=_KEPT)


def query_string(query: object) -> Secret | InvalidRequestError:
    """Return ``?a=1&b=2``, or nothing; what is None is left out.

    Returns what is wrong, rather than raises it: no traceback may show the
    query, which may be personal, as a local of ours.

    Returns:
        The query; or, where it is no mapping, a name is no str, or a value
        no str, number or bool, the error that says so.
    """
    if query is None:
        return Secret("")
    if not isinstance(query, Mapping):
        return InvalidRequestError("query must be a mapping.")
    given = dict(cast("Mapping[object, object]", query))
    problems = (_problem(name, value) for name, value in given.items())
    problem = next(filter(None, problems), None)
    if problem is not None:
        return InvalidRequestError(problem)
    pairs = [
        (cast("str", name), _written(cast("str | float", value)))
        for name, value in given.items()
        if value is not None
    ]
    return Secret(f"?{urlencode(pairs)}" if pairs else "")


def _problem(name: object, value: object) -> str | None:
    """Say what is wrong with one pair of a query."""
    if not isinstance(name, str):
        return "query: its names must be str."
    if value is None:
        return None
    if not isinstance(value, str | int | float):
        return (
            f"query: {name!r} must be a str, a number or a bool, "
            f"got {type(value).__name__}."
        )
    if isinstance(value, int) and value.bit_length() > _MOST_BITS:
        return f"query: {name!r} is too large a number."
    if not (_plain(_written(value)) and _plain(name)):
        return f"query: {name!r} holds control characters."
    return None


def _written(value: str | float) -> str:
    """Return the value itself, also where it is a member of an Enum."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int.__repr__(value)
    return float.__repr__(value)


def _plain(text: str) -> bool:
    """Whether it has neither control characters nor lone surrogates."""
    return _ODD.search(text) is None
