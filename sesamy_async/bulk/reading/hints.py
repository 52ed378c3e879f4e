"""What somebody may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from sesamy_async.models.texts import name_of

from .fields import FIELDS, OPEN


HINT = "; did you mean "
"""What stands in front of what somebody may have meant."""

_LONGEST_NAME = 60


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return a hint that can stand at the end of a reason; often empty."""
    words = {word.lower(): word for word in known}
    near = get_close_matches(name[:_LONGEST_NAME].lower(), words, n=1)
    return f"{HINT}{words[near[0]]}?" if near else ""


def unknown_field(name: str) -> str:
    """Say that a path is none that is documented.

    A path may be misspelt at its beginning, its end, or in its case; of
    one below which any name may stand, only the beginning counts.
    """
    shown = name_of(name)
    for place in OPEN:
        if name[: len(place)].lower() == place.lower():
            own = name[len(place) :].lstrip(".") or "anything"
            return f"{shown}: unknown{HINT}{place}.{name_of(own)}?"
    last = {known.rpartition(".")[2]: known for known in reversed([*FIELDS])}
    hint = did_you_mean(name, FIELDS) or _by_end(name, last)
    return f"{shown}: unknown{hint}"


def _by_end(name: str, last: dict[str, str]) -> str:
    """Find ``userData.email`` where only ``email`` was written."""
    return next(
        (
            f"{HINT}{known}?"
            for end, known in last.items()
            if end.lower() == name.lower()
        ),
        "",
    )
