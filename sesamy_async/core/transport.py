"""What carries a request to Sesamy and brings the answer back."""

from __future__ import annotations

from typing import Protocol

from .call import Call
from .latency import Latency
from .response import Response


class Transport(Protocol):
    """The connections, as the core sees them."""

    @property
    def used(self) -> bool:
        """Whether there may be open connections of ours."""
        ...

    @property
    def latency(self) -> Latency:
        """How long its exchanges take."""
        ...

    async def send(self, call: Call) -> Response:
        """Send the request once and read the whole answer.

        Keeps `call.record.sent` true to what has left the machine, so
        that it can be relied on even when the call is cancelled.

        Raises:
            TransportFailure: There is no complete answer.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections of the present scope."""
        ...
