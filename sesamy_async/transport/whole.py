"""A request's body, in one piece."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator


class Whole:
    """Yields its content once, to loops of both kinds.

    httpx's own stream is an async generator, which trio finds abandoned
    where a call is cancelled while its body is being written.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content

    def __iter__(self) -> Iterator[bytes]:
        return iter((self._content,))

    def __aiter__(self) -> AsyncIterator[bytes]:
        return _Once(self._content)


class _Once(AsyncIterator[bytes]):
    def __init__(self, content: bytes) -> None:
        self._rest = [content]

    async def __anext__(self) -> bytes:
        if not self._rest:
            raise StopAsyncIteration
        return self._rest.pop()
