"""The moments at which a run can kill itself."""

from __future__ import annotations

import os
import signal
import threading
import time
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

import attrs


class Moment(StrEnum):
    """What is passed on the way of an order, in its order."""

    CLAIM = "before claim"
    CLAIMED = "after claim"
    INTENT = "before record_intent"
    INTENDED = "after record_intent"
    OUT = "request out, no answer"
    HEAD = "answer begun"
    ANSWERED = "before record_outcome"
    RECORDED = "after record_outcome"
    CREATED = "between create and confirm"
    COMMIT = "before a commit"
    COMMITTING = "within a commit"
    COMMITTED = "after a commit"


SENDING = "before a create is claimed"
"""Noted of each row that is to be created; no moment to die at."""


@attrs.define
class Watch:
    """Writes down each passage at once, and dies at the one that is chosen.

    Attributes:
        trace: Where it is written: what was written survives.
        moment: Where to die; None for nowhere.
        passage: At which passage of it, from 1.
        delay: Seconds until it dies, where something runs on meanwhile.
    """

    trace: Path
    moment: Moment | None
    passage: int
    delay: float
    _file: int = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY
        self._file = os.open(self.trace, flags, 0o600)

    def note(self, line: str) -> None:
        """Take note of something else."""
        os.write(self._file, line.encode())

    def passed(self, moment: Moment, row: int = 0) -> None:
        """Take note, or die."""
        os.write(self._file, f"{moment}:{row}\n".encode())
        if moment is self.moment:
            self.passage -= 1
            if self.passage:
                return
            if moment is Moment.COMMITTING:
                threading.Thread(target=self._die_soon, daemon=True).start()
            else:
                _die()

    def _die_soon(self) -> None:
        time.sleep(self.delay)
        _die()


def _die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # The signal may need a moment, in which nothing is done.
    raise AssertionError


def in_hand(trace: str) -> set[int]:
    """Return the rows whose create may be under way where a trace ends.

    From before the intent is written down until the outcome is.
    """
    return _between(trace, Moment.INTENT, Moment.RECORDED)


def claimed(trace: str) -> set[int]:
    """Return the rows that may be claimed in a store where a trace ends.

    A create is claimed before its intent is written down; from then on, its
    row is in hand.
    """
    return _between(trace, SENDING, Moment.RECORDED) - in_hand(trace)


def _between(trace: str, begin: str, end: str) -> set[int]:
    rows: set[int] = set()
    for line in trace.splitlines():
        moment, _, row = line.partition(":")
        if moment == begin:
            rows.add(int(row))
        elif moment == end:
            rows.discard(int(row))
    return rows
