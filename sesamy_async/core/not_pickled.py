"""Refuse to be pickled, and say what to do instead."""

from __future__ import annotations

from typing import Never


class NotPickled:
    """A client, or what holds one: it belongs to its process.

    A pickle would hold its secret, and of a copy and its original each
    would close the connections of both.
    """

    __slots__ = ()

    def __reduce__(self) -> Never:
        raise TypeError(
            f"{type(self).__name__} is neither pickled nor copied: it holds "
            "connections and a secret. Make a client in each process; within "
            "a process, tasks and threads can share one, and with_options() "
            "returns a copy with other settings."
        )
