"""What carries a request to Sesamy and brings the answer back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from .call import Call
from .latency import Latency
from .response import Response


Trusts: TypeAlias = Callable[[Response], bool]
"""Says of an answer whether its connection may carry another one."""


def trusts_all(response: Response) -> bool:
    """Trust a connection whatever it brought."""
    del response
    return True


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

    async def send(self, call: Call, trusts: Trusts = trusts_all) -> Response:
        """Send the request once and read the whole answer.

        Keeps `call.record.sent` true to what has left the machine, so
        that it can be relied on even when the call is cancelled.

        Args:
            call: What is sent.
            trusts: Asked about the answer before its connection is used
                again; where it says no, the connection is thrown away.

        Raises:
            TransportFailure: There is no complete answer.
        """
        ...

    async def connect(self, call: Call) -> None:
        """Open a connection to where the call goes, and send nothing.

        Does nothing where it can't: over what the caller gave, and through
        a proxy.

        Raises:
            TransportFailure: There is no connection.
        """
        ...

    async def aclose(self) -> None:
        """Close all connections of the present scope."""
        ...
