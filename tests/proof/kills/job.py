"""What one process is told to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs

from sesamy_async.bulk import Confirm

from .moments import Moment


LIMIT = 30.0
"""Seconds after which a run has hung."""


@attrs.frozen(kw_only=True)
class Job:
    """A run of an import.

    Attributes:
        folder: Where the file, the journal and the traces are.
        settings: The SESAMY_* variables that lead there.
        confirm: As `Terms`.
        strays: As `Terms`.
        store: Whether a store of orders remembers, too.
        concurrency: How many orders at once.
        backend: Of the event loop: ``"asyncio"`` or ``"trio"``.
        trace: Where it writes what it passes.
        moment: Where it kills itself; None for nowhere.
        passage: At which passage of that moment, from 1.
        delay: Seconds to live on while a commit is under way.
        after: Seconds after which it is killed from outside.
        bug: Something that is broken on purpose.
    """

    folder: str = ""
    settings: dict[str, str] = attrs.field(factory=dict[str, str])
    trace: str = ""
    confirm: str = Confirm.SEPARATELY.value
    strays: bool = True
    store: bool = False
    concurrency: int = 4
    backend: str = "asyncio"
    moment: Moment | None = None
    passage: int = 1
    delay: float = 0.0
    after: float = LIMIT
    bug: str | None = None

    @classmethod
    def load(cls, line: str) -> Job:
        """Read it from its JSON."""
        told: dict[str, Any] = json.loads(line)
        if told["moment"] is not None:
            told["moment"] = Moment(told["moment"])
        return cls(**told)

    def dump(self) -> str:
        """Return it as JSON, on one line."""
        return json.dumps(attrs.asdict(self))

    @property
    def orders(self) -> Path:
        """The file to import."""
        return Path(self.folder, "orders.csv")

    @property
    def summary(self) -> Path:
        """Where a run that comes to its end writes its summary."""
        return Path(self.folder, "summary.json")

    def __str__(self) -> str:
        if self.moment is not None:
            where = f"passage {self.passage} of {self.moment}"
            if self.moment is Moment.COMMITTING:
                where += f" + {1000 * self.delay:.2f} ms"
        elif self.after < LIMIT:
            where = f"{1000 * self.after:.1f} ms"
        else:
            where = "never"
        return f"{self.backend}: {where}"
