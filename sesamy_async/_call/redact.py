"""Blot out in Sesamy's words what the user has sent."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, cast
from unicodedata import combining, normalize
from urllib.parse import parse_qsl, quote, urlsplit

from .call import Call


# A call imports nothing: a process that is forked meanwhile could hang.
codecs.lookup("cp1252")

_WORD = r"[^\s@\"'<>(),;:]"
# Tried at the first character of a word only: at each one, it would take
# minutes for a word of some megabytes.
_EMAIL = re.compile(rf"(?<!{_WORD}){_WORD}++@{_WORD}++")
_PHONE = re.compile(r"\+\d(?:[ ().\-/]{0,3}\d){6,}")
_TOKEN = re.compile(r"[^\W_]+")
_DIGITS = re.compile(r"\d(?:[ ().\-/]{0,3}\d){4,}")
_HIDDEN = re.compile("\1+")
_DOMAIN = re.compile(r"@\S*")
_PUBLIC = {"externalOrderId", "paymentProvider", "paymentMethod", "gender"}
_BOOLEANS = {"true", "false"}
_KEYS = {"field", "reason"}  # Documented for the details of an error.
_SHORTEST = 3
_SHORTEST_WITHIN = 5  # To be found within longer words.
_RUN = 5  # Digits in a row that numbers have in common.
# What is looked for, and in what, is bounded: it takes its time.
_LARGEST = 262_144
_MOST = 16_384
_MOST_FORMS = 4_096
_LONGEST = 200
_DEEPEST = 64
_BLOT = "***"


def redact(value: Any, call: Call) -> Any:
    """Return a value of an error answer without what the call sent.

    A server that repeats the customer's name in its error must not put it
    into our messages and logs.  What is looked for: each value of the
    order, the JSON body, the query and the Authorization, also in another
    case or Unicode form, or encoded; each of its words of three letters and
    more; numbers of five digits and more, however they are grouped; and
    anything that looks like an address or a phone number.  Values of fewer
    than three characters are left: blotting out every "1" would help
    nobody.

    Where so much was sent that looking for all of it would take too long,
    every text is blotted out.
    """
    blotter = _Blotter()
    clean = blotter.clean if blotter.learn(call) else _blot

    def cleaned(item: Any, depth: int) -> Any:
        if depth > _DEEPEST:
            return _BLOT
        if isinstance(item, str):
            return clean(item)
        if isinstance(item, dict):
            pairs = cast("dict[str, Any]", item).items()
            return {
                key if key in _KEYS else clean(key): cleaned(inner, depth + 1)
                for key, inner in pairs
            }
        if isinstance(item, list):
            items = cast("list[object]", item)
            return [cleaned(inner, depth + 1) for inner in items]
        word = _as_word(item)
        return item if clean(word) == word else _BLOT

    return cleaned(value, 0)


def presentable(text: Any) -> str | None:
    """Return words of the server's for a message: one line, not long."""
    if not isinstance(text, str):
        return None
    line = " ".join(text.split())
    shown = "".join(filter(str.isprintable, line))
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _blot(text: str) -> str:
    del text
    return _BLOT


class _Blotter:
    """Knows what must not be shown."""

    def __init__(self) -> None:
        self._parts: set[str] = set()
        self._numbers: set[str] = set()
        self._within: set[str] = set()
        # How long those are that begin with the same few characters.
        self._lengths: dict[str, set[int]] = {}
        self._size = 0

    def learn(self, call: Call) -> bool:
        """Learn what a call sent; return False where it is too much."""
        order = b"" if call.order is None else call.order.reveal().encode()
        contents = {call.request.content, order}
        if sum(map(len, contents)) > _LARGEST:
            return False
        left = _MOST
        for value in _sent(call, contents):
            left -= len(value)
            if left < 0:
                return False
            self._learn(value)
        return True

    def clean(self, text: str) -> str:
        """Return a text without it."""
        folded, at = _fold(text)
        at.append(len(text))
        hidden = ["\0"] * len(folded)
        for start, end in self._found(folded):
            hidden[start:end] = "\1" * (end - start)
        parts: list[str] = []
        done = 0
        for match in _HIDDEN.finditer("".join(hidden)):
            start, end = match.span()
            parts += [text[done : at[start]], _BLOT]
            done = max(at[end], at[end - 1] + 1)
        text = "".join([*parts, text[done:]])
        return _PHONE.sub(_BLOT, _EMAIL.sub(_BLOT, text))

    def _learn(self, value: str) -> None:
        whole = _fold(value)[0].strip()
        if len(whole) >= _SHORTEST:
            self._add(whole)
            self._learn_forms(value)
        for word in _TOKEN.findall(_DOMAIN.sub(" ", whole)):
            if len(word) < _SHORTEST or word.isdigit():
                continue
            self._parts.add(word)
            if len(word) >= _SHORTEST_WITHIN:
                self._add(word)
        if not value.isascii():
            for word in value.split():
                self._learn_forms(word)
        for match in _DIGITS.finditer(whole):
            self._numbers |= _runs(match[0])

    def _learn_forms(self, value: str) -> None:
        """Learn how it looks where somebody encodes or decodes it wrongly."""
        if value.isalnum() and value.isascii():
            return
        if len(value) > _LONGEST or self._size > _MOST_FORMS:
            return
        raw = value.encode(errors="replace")
        western = value.encode("latin-1", "replace")
        for form in (
            quote(raw, safe=""),
            json.dumps(value)[1:-1],
            raw.decode("latin-1"),
            raw.decode("cp1252", "replace"),
            western.decode(errors="replace"),
        ):
            folded = _fold(form)[0].strip()
            if len(folded) >= _SHORTEST_WITHIN:
                self._add(folded)

    def _add(self, word: str) -> None:
        """Look for a word within others, too."""
        self._within.add(word)
        self._lengths.setdefault(word[:_SHORTEST], set()).add(len(word))
        self._size += len(word)

    def _found(self, folded: str) -> Iterator[tuple[int, int]]:
        for start in range(len(folded)):
            begins = folded[start : start + _SHORTEST]
            for length in sorted(self._lengths.get(begins, ()), reverse=True):
                word = folded[start : start + length]
                if word in self._within:
                    yield start, start + len(word)
                    break
        for match in _TOKEN.finditer(folded):
            word = match[0]
            # A Swedish text calls what is Astrid's "Astrids".
            if word in self._parts or word.removesuffix("s") in self._parts:
                yield match.span()
        if self._numbers:
            for match in _DIGITS.finditer(folded):
                if not self._numbers.isdisjoint(_runs(match[0])):
                    yield match.span()


def _fold(text: str) -> tuple[str, list[int]]:
    """Return a text as it is compared, and where its characters were.

    Without case, accents and all that can't be seen: "BERGSTRO\u0308M" is
    "bergstrom".
    """
    folded = [
        (each, index)
        for index, char in enumerate(text)
        for each in _folded(char)
    ]
    return "".join(each for each, _ in folded), [at for _, at in folded]


@lru_cache(4096)
def _folded(char: str) -> str:
    if char.isspace():
        return " "
    if not char.isprintable():
        return ""
    plain = normalize("NFKD", char).casefold()
    return "".join(each for each in plain if not combining(each))


def _runs(number: str) -> set[str]:
    """Return all runs of five digits, as numbers are written differently.

    +46701740605 is also 070-174 06 05.
    """
    digits = re.sub(r"\D", "", number)
    ends = range(_RUN, len(digits) + 1)
    return {digits[end - _RUN : end] for end in ends}


def _sent(call: Call, contents: set[bytes]) -> Iterator[str]:
    """Yield what may be personal of what a call sent."""
    for content in contents:
        try:
            body = json.loads(content)
        except (ValueError, RecursionError):
            continue
        yield from _personal(body)
    for _, value in parse_qsl(urlsplit(call.request.url).query):
        if len(value) >= _SHORTEST and value not in _BOOLEANS:
            yield value
    authorization = call.request.authorization
    if authorization is not None:
        scheme, _, token = authorization.reveal().partition(" ")
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
