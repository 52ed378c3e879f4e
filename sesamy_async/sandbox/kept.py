"""A ledger that outlives its process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from secrets import token_hex
from typing import Any

from sesamy_async.errors import ConfigurationError

from .contract import SoldContract
from .ledger import Ledger
from .token import Grant


_FIELDS = (
    "id",
    "external_order_id",
    "vendor_id",
    "promo_code",
    "payment_method",
    "created_at",
    "confirmed_at",
)


class KeptLedger(Ledger):
    """A ledger whose contracts are also in a file.

    The file has a line for each contract that is made or confirmed, without
    anything personal: what was sent for a contract is not kept.  Nor are
    tokens and counts.  It is there at once when a request is answered, and
    survives its process, but not a power cut.  Use it in one process at a
    time.

    Attributes:
        path: The file; it is made if it is not there.  Absolute, so that
            it stays the same wherever the process goes.
        world: What no other file is called by.

    Raises:
        ConfigurationError: The file can't be read or written, or is none
            of this kind.

    .. versionadded:: 0.1.0
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        self.path: Path = Path(path).absolute()
        try:
            self.world: str = self._load() or self._begin()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(
                f"The sandbox's ledger {self.path} can't be used: "
                f"{getattr(error, 'strerror', None) or 'it is damaged'}. "
                "Remove it to begin anew, with the journal beside it."
            ) from error

    def apply(self, change: SoldContract | Grant) -> None:
        """Take in a new token, or a contract that is new or changed."""
        with self.lock:
            if isinstance(change, SoldContract):
                self._append({name: getattr(change, name) for name in _FIELDS})
            super().apply(change)

    def clear(self) -> None:
        """Forget everything: another world."""
        with self.lock:
            super().clear()
            self.path.unlink()
            self.world = self._begin()

    def _begin(self) -> str:
        world = token_hex(4)
        self._append({"world": world})
        return world

    def _load(self) -> str | None:
        if not self.path.exists():
            return None
        content = self.path.read_bytes()
        whole, _, cut = content.rpartition(b"\n")
        if cut:
            # By a crash: it was never answered.  The file is not written
            # anew without it, for that could be cut off, too.
            os.truncate(self.path, len(content) - len(cut))
        if not whole:
            return None
        first, *others = map(json.loads, whole.splitlines())
        world: str = first["world"]
        for each in others:
            super().apply(SoldContract(user_id="", **each))
        return world

    def _append(self, line: dict[str, Any]) -> None:
        with open(self.path, "a", encoding="utf-8", opener=_private) as file:
            file.write(f"{json.dumps(line)}\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
