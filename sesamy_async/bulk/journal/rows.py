"""Many rows in little memory."""

from __future__ import annotations

import attrs


@attrs.frozen
class Rows:
    """Numbers of rows, a bit for each: a million take 125 KB."""

    bits: bytearray = attrs.field(factory=bytearray)

    def add(self, row: int) -> None:
        """Put one in."""
        at, bit = divmod(row, 8)
        if at >= len(self.bits):
            self.bits.extend(bytes(at + 1 - len(self.bits)))
        self.bits[at] |= 1 << bit

    def __contains__(self, row: int) -> bool:
        at, bit = divmod(row, 8)
        return at < len(self.bits) and bool(self.bits[at] >> bit & 1)
