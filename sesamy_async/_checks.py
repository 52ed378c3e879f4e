"""Checks of arguments: numbers, texts, and parts of a URL."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Never, ParamSpec, TypeVar, cast
from urllib.parse import SplitResult, quote, unquote, urlsplit

from .errors import ConfigurationError, InvalidRequestError


_P = ParamSpec("_P")
_T = TypeVar("_T")

_LONGEST = 1000
_DOTS = {".", ".."}
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
# What a path may hold as it is (RFC 3986, section 3.3), and escapes.
_KEPT = "/%:@!$&'()*+,;=~"


def segment(name: str, value: object) -> str:
    """Return an id as one percent-encoded segment of a path, or refuse it."""
    if not isinstance(value, str):
        raise _not_an_id(name, f"must be a str, got {type(value).__name__}")
    if not value.strip() or value in _DOTS:
        raise _not_an_id(name, "must be an id; it is empty, '.' or '..'")
    if len(value) > _LONGEST:
        raise _not_an_id(
            name,
            f"has {len(value)} characters; at most {_LONGEST} are allowed",
        )
    if not plain(value):
        raise _not_an_id(name, "has invisible or damaged characters")
    return quote(value, safe="")


def _not_an_id(name: str, why: str) -> InvalidRequestError:
    return InvalidRequestError(f"{name} {why}.", problems=[f"{name}: {why}"])


def is_segment(value: str) -> bool:
    try:
        segment("", value)
    except InvalidRequestError:
        return False
    return True


def api_path(path: object) -> str:
    """Return a path below base_url, with all but its escapes encoded."""
    if not isinstance(path, str) or not path.startswith("/"):
        raise InvalidRequestError(
            "path must be a str that begins with '/', below base_url."
        )
    if not plain(path) or "?" in path or "#" in path or "\\" in path:
        raise InvalidRequestError(
            "path contains one of '?', '#', '\\' or control characters; give "
            "the query as query=."
        )
    segments = [unquote(each) for each in path.split("/")]
    if path.startswith("//") or any(
        _DOTS & set(each.split("/")) for each in segments
    ):
        raise InvalidRequestError("path must not contain '//', '.' or '..'.")
    return quote(path, safe=_KEPT)


def url_parts(url: str) -> SplitResult | None:
    """Return the parts of a URL with a host; None if it is none."""
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    visible = url.isascii() and url.isprintable() and " " not in url
    return parts if named and visible else None


def is_text(value: str) -> bool:
    """Whether UTF-8 can hold it: it has no lone surrogates."""
    try:  # Takes a tenth of the time of a regular expression.
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def plain(text: str) -> bool:
    """Whether it has neither control characters nor lone surrogates."""
    return _ODD.search(text) is None


HINT = "; did you mean "
_LONGEST_NAME = 60


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint for the end of a message; empty if nothing is alike."""
    # Imported here because it is slow to load, and only mistakes need it.
    from difflib import get_close_matches  # noqa: PLC0415

    words = {word.lower(): word for word in known}
    near = get_close_matches(name[:_LONGEST_NAME].lower(), words, n=1)
    return f"{HINT}{words[near[0]]}?" if near else ""


_SHOWN_BITS = 64


def check_number(
    name: str, value: object, *, least: float = 0.0, above: bool = False
) -> float:
    """Return a finite number of at least `least`, or more if `above`."""
    bound = f"{'more than' if above else 'at least'} {least:g}"
    if isinstance(value, int | float) and not isinstance(value, bool):
        fits = value > least if above else value >= least
        # No isfinite(): it fails for an integer of 400 digits.
        if fits and value <= sys.float_info.max:
            return float(value)
        huge = isinstance(value, int) and value.bit_length() > _SHOWN_BITS
        got = "a number with too many digits" if huge else value
        raise ConfigurationError(
            f"{name} must be a finite number, {bound}; got {got}."
        )
    raise ConfigurationError(
        f"{name} must be a number, {bound}; got {type(value).__name__}."
    )


class Problems:
    """Runs checks of settings, and raises what all of them found at once."""

    def __init__(self) -> None:
        self._errors: list[ConfigurationError] = []

    def __call__(
        self, check: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Return what a check returns, or keep its error.

        After an error it returns None, whatever its type says: before
        `raise_all`, use results only as arguments of checks that accept it.
        """
        try:
            return check(*args, **kwargs)
        except ConfigurationError as error:
            self._errors.append(error)
        return cast("_T", None)

    def raise_all(self) -> None:
        """Raise one error, with `problems`, for all that was found."""
        if not self._errors:
            return
        found = dict.fromkeys(
            problem
            for error in self._errors
            for problem in (error.problems or (str(error.args[0]),))
        )
        if len(self._errors) == 1:
            (error,) = self._errors
            error.problems = tuple(found)
            raise error
        listed = " ".join(f"({n}) {each}" for n, each in enumerate(found, 1))
        raise ConfigurationError(
            f"{len(found)} settings are wrong: {listed}", problems=tuple(found)
        )


_QUOTES = ('""', "''", "\u201c\u201d", "\u2018\u2019", "\u201d\u201d")


def around(text: str) -> str | None:
    """Return what stands around a text that was not meant to be in it."""
    if text != text.strip():
        return "spaces or line breaks"
    quoted = len(text) > 1 and f"{text[0]}{text[-1]}" in _QUOTES
    return "quotes" if quoted else None


class NotPickled:
    """A client, or what holds one: it is neither pickled nor copied."""

    __slots__ = ()

    def __reduce__(self) -> Never:
        raise TypeError(
            f"{type(self).__name__} can't be pickled or copied: it holds "
            "connections and a secret. Create a client in each process; "
            "within a process, tasks and threads can share one, and "
            "with_options() returns a copy with other settings."
        )
