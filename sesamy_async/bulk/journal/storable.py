"""Text that SQLite can keep."""

from __future__ import annotations


def storable(text: str | None) -> str | None:
    """Return a text with "?" for every half of a character.

    JSON may hold such halves (lone surrogates); UTF-8 can't.
    """
    return text and text.encode("utf-8", "replace").decode("utf-8")
