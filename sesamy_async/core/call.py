"""One call, as it walks through the middleware."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, Self

import attrs

from .headers import merged
from .place import Kept
from .record import Record
from .response import Response
from .secret import Secret


@attrs.frozen(kw_only=True)
class Request:
    """An HTTP request that is ready to be sent.

    Attributes:
        method: ``"POST"``, ``"GET"``, ...
        url: The absolute URL, already encoded.
        headers: Without the Authorization header.
        content: The body; personal, so it is in no repr.
        authorization: The whole Authorization value.

    .. versionadded:: 0.1.0
    """

    method: str
    url: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], repr=False
    )
    content: bytes = attrs.field(default=b"", repr=False)
    authorization: Secret | None = attrs.field(default=None, repr=False)

    def authorized(self, value: Secret) -> Request:
        """Return a copy with another Authorization value."""
        return Request(
            method=self.method,
            url=self.url,
            headers=self.headers,
            content=self.content,
            authorization=value,
        )


@attrs.frozen(kw_only=True)
class Call:
    """One operation on its way; change it with :func:`attrs.evolve`.

    Attributes:
        operation: What is done, such as ``"contracts.create"``.
        request: What is sent for it.
        deadline: When the call must have ended, on the runtime's clock
            (seconds; may be infinite).
        timeout: Seconds that one network operation may take.
        attempt: 1 for the first time, 2 for the first retry, ...
        repeatable: Whether doing it twice is the same as doing it once.
        external_order_id: The order it is about, if any.
        contract_id: The contract it is about, if any.
        order: The JSON of the order it is about; None where that is not
            known.  Only where it is, an error's text repeats Sesamy's
            words, in which it is blotted out.
        max_response_size: Bytes that a success may have at most,
            decompressed, where that is less than the transport allows.
        completes: Whether it completes what an earlier call began, so that
            it goes before others where calls have to wait.
        kept: What is kept for the call that completes this one, if it is
            known that there will be one; the two have it in common.
        read: Reads a success (its value becomes `Response.parsed`), or
            raises a `SesamyError` where it can't be read.
        before_send: Awaited at the last moment before each attempt is
            sent; where it raises, nothing is.
        record: What the call has done so far, over all attempts.

    .. versionadded:: 0.1.0
    """

    operation: str
    request: Request
    deadline: float
    timeout: float
    attempt: int = 1
    repeatable: bool = False
    external_order_id: str | None = None
    contract_id: str | None = None
    order: Secret | None = attrs.field(default=None, repr=False)
    max_response_size: int | None = None
    completes: bool = False
    kept: Kept | None = attrs.field(default=None, repr=False, eq=False)
    read: Callable[[Call, Response], Any] | None = attrs.field(
        default=None, repr=False, eq=False
    )
    before_send: BeforeSend | None = attrs.field(
        default=None, repr=False, eq=False
    )
    record: Record = attrs.field(factory=Record, repr=False, eq=False)

    def with_headers(self, **headers: str) -> Self:
        """Return a copy with more headers (``X_Name=`` is ``X-Name``)."""
        named = {name.replace("_", "-"): headers[name] for name in headers}
        request = attrs.evolve(
            self.request, headers=merged(self.request.headers, named)
        )
        return attrs.evolve(self, request=request)


BeforeSend = Callable[[Call], Awaitable[None]]
"""What is awaited before each attempt: to write down what is intended.

.. versionadded:: 0.1.0
"""

Proceed = Callable[[Call], Awaitable[Response]]
"""What a middleware calls to let the call go on.

.. versionadded:: 0.1.0
"""


class Middleware(Protocol):
    """Something that a call walks through on its way out and back.

    Any ``async def`` function or object of this shape will do.  In the
    blocking client it must not suspend: see `Sesamy`.

    .. versionadded:: 0.1.0
    """

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Return `await proceed(call)`, with whatever around it."""
        ...
