"""A JSON object in which a key stands more than once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from .texts import name_of


class RepeatedKeys(dict[str, Any]):
    """What the parser makes of such an object, for the check to find."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        counts = Counter(key for key, _ in pairs)
        self._repeated = [key for key in counts if counts[key] > 1]

    def problems(self, prefix: str) -> Iterator[str]:
        """Yield one problem for each key that is repeated."""
        for key in self._repeated:
            yield f"{prefix}{name_of(key)}: given more than once"


def object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object from its members, as `object_pairs_hook`."""
    plain = dict(pairs)
    return plain if len(plain) == len(pairs) else RepeatedKeys(pairs)
