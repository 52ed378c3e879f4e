"""The proxy: passes connections on, and breaks those it is told to."""

from __future__ import annotations

import ssl
from collections import Counter, deque

from .end import End
from .fault import ByteFault, Side
from .link import Link
from .listening import Listening


class FaultProxy(Listening):
    """Passes each connection on to a port of this machine.

    Without a context it counts the bytes on the wire, whatever they are;
    with one it ends TLS, and counts what is said inside.

    Attributes:
        struck: How many faults were taken since it was armed.
    """

    def __init__(
        self, target: int, *, context: ssl.SSLContext | None = None
    ) -> None:
        super().__init__(context)
        self._target = target
        self._script: deque[ByteFault] = deque()
        self._latest: Link | None = None
        self._links: set[Link] = set()
        self.struck = 0

    def arm(self, *faults: ByteFault) -> None:
        """Let these strike, one connection each, in this order.

        A connection takes its fault with the next bytes of its client, and
        its bytes are counted from there.  What was armed before is
        forgotten.
        """
        self.struck = 0
        self._script = deque(faults)
        for link in self._links:
            link.renew()

    @property
    def open(self) -> int:
        """How many connections there are."""
        return len(self._links)

    @property
    def passed(self) -> Counter[Side]:
        """How many bytes the latest connection has passed."""
        assert self._latest is not None
        return self._latest.passed

    async def serve(self, client: End) -> None:
        """Pass one connection on."""
        async with End.to(self._target) as server:
            link = Link(client, server, lambda: self._next(link))
            self._links.add(link)
            try:
                await link.run()
            finally:
                self._links.remove(link)

    def _next(self, link: Link) -> ByteFault | None:
        self._latest = link
        if not self._script:
            return None
        self.struck += 1
        return self._script.popleft()
