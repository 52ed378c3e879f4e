"""Begin anew in a forked child what threads share."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Renewable(Protocol):
    """What has a lock that another thread of the parent may have held."""

    def after_fork(self) -> None:
        """Begin anew."""
        ...


_everything: WeakSet[Renewable] = WeakSet()


def renewed_after_fork(thing: Renewable) -> None:
    """Call ``thing.after_fork()`` in each child, as long as it lives."""
    _everything.add(thing)


def _renew() -> None:
    for thing in list(_everything):
        thing.after_fork()


# Windows has no fork, hence no hook for it.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_renew)
