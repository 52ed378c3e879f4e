"""HTTP headers of an answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import cast


class Headers(Mapping[str, str]):
    """Read-only headers whose names are found in any case.

    Repeated headers are joined with ``", "`` (RFC 9110, section 5.3).
    The repr shows names only: values may be personal.

    .. versionadded:: 0.1.0
    """

    __slots__ = ("_values",)

    def __init__(
        self, items: Mapping[str, str] | Iterable[tuple[str, str]] = ()
    ) -> None:
        pairs = (
            cast("Mapping[str, str]", items).items()
            if isinstance(items, Mapping)
            else items
        )
        # Joined at the end: to lengthen one again and again takes as long
        # as the square of its length.
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            values.setdefault(name.lower(), []).append(value)
        self._values = {name: ", ".join(all_) for name, all_ in values.items()}

    @classmethod
    def from_raw(cls, items: Iterable[tuple[bytes, bytes]]) -> Headers:
        """Read headers as they came (ISO 8859-1; RFC 9110, section 5.5)."""
        return cls(
            [
                (name.decode("latin-1"), value.decode("latin-1"))
                for name, value in items
            ]
        )

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self._values)})"


def merged(
    headers: Mapping[str, str], more: Mapping[str, str]
) -> dict[str, str]:
    """Return headers with others that replace them, in any case."""
    replaced = {name.lower() for name in more}
    kept = {
        name: value
        for name, value in headers.items()
        if name.lower() not in replaced
    }
    return {**kept, **more}
