"""Read a body of bounded size, decompressed in bounded steps."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from sesamy_async._outcome import Failure, FailureKind, TransportFailure


ACCEPT_ENCODING = "gzip"
"""What `Body` can decompress, for the Accept-Encoding header."""

_GZIP = {"gzip", "x-gzip"}
_GZIP_WINDOW = zlib.MAX_WBITS | 16
# For a header with a file's name, and for data that grow a little.
_ROOM = 2**16
_START = 128
# Each chunk takes some 30 microseconds: 8 MiB in chunks of one byte would
# take four minutes.
_MOST_CHUNKS = 2048
_LEAST_CHUNK = 64


class Body:
    """Collects the body of a response; never holds more than `limit` bytes.

    httpx decompresses each chunk whole: 29 KB may become 30 MB before anybody
    looks.  Here zlib stops at the limit.  Compressed data that never becomes
    anything, such as empty blocks or bytes behind the end, has a limit, too.

    Args:
        encoding: The Content-Encoding header.
        limit: The bytes that the body may have, decompressed.
        status_code: For the failure.
        late: Whether the deadline has passed, which nothing else checks if
            the next chunk is there already.
    """

    def __init__(
        self,
        encoding: str,
        limit: int,
        status_code: int,
        late: Callable[[], bool] = lambda: False,
    ) -> None:
        self._limit = limit
        self._status_code = status_code
        self._late = late
        self._chunks = 0
        self._arrived = 0
        self._parts = bytearray()
        encoding = encoding.strip().lower()
        self._plain = encoding in {"", "identity"}
        self._decoder: Any = None
        if encoding in _GZIP:
            self._decoder = zlib.decompressobj(_GZIP_WINDOW)

    @property
    def start(self) -> bytes:
        """The beginning of the body, as far as it was read."""
        return bytes(self._parts[:_START])

    def feed(self, chunk: bytes) -> None:
        """Add bytes as they came from the network."""
        self._chunks += 1
        self._arrived += len(chunk)
        if self._chunks > _MOST_CHUNKS + self._arrived // _LEAST_CHUNK:
            raise self._failure("its body comes in too many pieces.")
        if self._late():
            raise self._failure(
                "the deadline passed before its body was read."
            )
        if self._plain:
            self.take(chunk)
            return
        if self._decoder is None:
            raise self._failure("its body is in an unknown encoding.")
        if self._arrived > 2 * self._limit + _ROOM:
            raise self._too_large()
        if self._decoder.eof:
            return  # zlib would collect it, and copy it all at each step.
        room = self._limit - len(self._parts) + 1
        try:
            data = self._decoder.decompress(chunk, room)
        except zlib.error:
            data = None
        if data is None:
            self._parts += b"" if self._parts else _beginning(chunk)
            raise self._failure("its body can't be decompressed.")
        self.take(data)

    def finish(self) -> bytes:
        """Return the whole body."""
        decoder = self._decoder
        if decoder is not None and self._arrived and not decoder.eof:
            raise self._failure("its compressed body is cut short.")
        return bytes(self._parts)

    def take(self, data: bytes) -> None:
        """Add bytes that are decompressed already."""
        self._parts += data
        if len(self._parts) > self._limit:
            raise self._too_large()

    def _too_large(self) -> TransportFailure:
        return self._failure(f"its body exceeds {self._limit} bytes.")

    def _failure(self, detail: str) -> TransportFailure:
        return TransportFailure(
            Failure(
                kind=FailureKind.BODY,
                detail=detail,
                sent=True,
                status_code=self._status_code,
            )
        )


def _beginning(chunk: bytes) -> bytes:
    """Return the beginning of a chunk that can't be decompressed to its end.

    zlib returns nothing of it, unless it is asked for each byte.
    """
    decoder = zlib.decompressobj(_GZIP_WINDOW)
    found = bytearray()
    with suppress(zlib.error):
        while len(found) < _START and (byte := decoder.decompress(chunk, 1)):
            found += byte
            chunk = decoder.unconsumed_tail
    return bytes(found)
