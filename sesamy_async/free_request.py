"""What a caller gives to `client.request`, checked and hidden.

What is wrong with what may be personal is returned, not raised: no
traceback may show it as a local of ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlencode

from .core.codec import dumps
from .core.secret import Secret
from .errors import InvalidRequestError
from .paths import plain


_HARMLESS = {"GET", "HEAD", "OPTIONS"}
_METHODS = _HARMLESS | {"POST", "PUT", "PATCH", "DELETE"}
_MOST_BITS = 1024  # Of a number; as many as the largest float has.


def http_method(method: object) -> str:
    """Return a method, plain also where it is a member of an Enum.

    Raises:
        InvalidRequestError: HTTP has no such method, or none for us.
    """
    if not isinstance(method, str) or method not in _METHODS:
        raise InvalidRequestError(
            f"method must be one of {', '.join(sorted(_METHODS))}."
        )
    return str.__str__(method)


def is_repeatable(method: str, said: object) -> bool:
    """Return whether doing it twice is the same as doing it once.

    Args:
        method: Of HTTP.
        said: What the caller says of it, if anything.

    Raises:
        InvalidRequestError: That is neither yes nor no: to take a "no" for
            a yes would be the worst.
    """
    if said is None:
        return method in _HARMLESS
    if not isinstance(said, bool):
        raise InvalidRequestError("repeatable must be True, False or None.")
    return said


def json_body(json: Any) -> Secret | InvalidRequestError:
    """Return the body; it is empty where there is none.

    Returns:
        The body; or, where JSON can't hold it, the error that says so.
    """
    if json is None:
        return Secret("")
    try:
        return Secret(dumps(json).decode())
    except (TypeError, ValueError):
        return InvalidRequestError("json: it holds what JSON can't.")


def query_string(query: object) -> Secret | InvalidRequestError:
    """Return ``?a=1&b=2``, or nothing; what is None is left out.

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
    if not (plain(_written(value)) and plain(name)):
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
