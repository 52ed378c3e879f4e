"""Text that steers no terminal."""

from __future__ import annotations


def plain(text: str) -> str:
    """Return a text whose control characters are shown as escapes.

    Names of files, ids and what Sesamy says come from others.
    """
    return "".join(
        char
        if char.isprintable() or char == "\n"
        else char.encode("unicode_escape").decode()
        for char in text
    )
