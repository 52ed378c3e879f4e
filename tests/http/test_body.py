"""Reading bodies of bounded size."""

from __future__ import annotations

import gzip
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async._http.body import Body
from sesamy_async._http.peers import HttpxPeer
from sesamy_async._outcome import FailureKind, TransportFailure


MIB = 2**20


def read(encoding: str, chunks: list[bytes], limit: int = 100) -> bytes:
    """Feed all chunks and return the body."""
    body = Body(encoding, limit, 200)
    for chunk in chunks:
        body.feed(chunk)
    return body.finish()


@given(st.binary(max_size=100), st.integers(1, 50))
def test_roundtrip(data: bytes, step: int) -> None:
    """However the bytes are cut, the body is whole."""
    packed = gzip.compress(data, mtime=0)
    chunks = [packed[i : i + step] for i in range(0, len(packed), step)]

    assert data == read("gzip", chunks)


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_plain(encoding: str) -> None:
    """A plain body is taken as it is."""
    assert b"abcd" == read(encoding, [b"ab", b"cd"])


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_gzip_names(encoding: str) -> None:
    """All names of gzip are understood."""
    assert b"abcd" == read(encoding, [gzip.compress(b"abcd", mtime=0)])


def test_empty() -> None:
    """No body at all is empty, whatever its encoding says."""
    assert b"" == read("gzip", [])


def test_at_the_limit() -> None:
    """A body of just the limit is read."""
    assert 100 == len(read("", [b"x" * 100]))
    assert 100 == len(read("gzip", [gzip.compress(b"x" * 100, mtime=0)]))


@pytest.mark.parametrize(
    ("encoding", "content", "words"),
    [
        ("", b"x" * 101, "exceeds 100 bytes"),
        ("gzip", gzip.compress(b"x" * 101, mtime=0), "exceeds 100 bytes"),
        ("gzip", b"no gzip", "can't be decompressed"),
        ("gzip", gzip.compress(b"abcd", mtime=0)[:-4], "cut short"),
        ("gzip", gzip.compress(b"abcd", mtime=0)[:3], "cut short"),
        ("br", b"x", "unknown encoding"),
    ],
)
def test_refused(encoding: str, content: bytes, words: str) -> None:
    """What can't be read to its end is a failure of the body."""
    with pytest.raises(TransportFailure) as caught:
        read(encoding, [content])

    failure = caught.value.failure
    assert (FailureKind.BODY, 200, True) == (
        failure.kind,
        failure.status_code,
        failure.sent,
    )
    assert words in failure.detail


def test_bomb() -> None:
    """29 KB that would become 30 MB never take more than the limit."""
    bomb = gzip.compress(b"\0" * (30 * MIB))
    tracemalloc.start()
    with pytest.raises(TransportFailure):
        read("gzip", [bomb], limit=MIB)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert 4 * MIB > peak


def test_behind_the_end() -> None:
    """Bytes behind the compressed data are neither kept nor copied."""
    body = Body("gzip", 8 * MIB, 200)
    body.feed(gzip.compress(b"abcd", mtime=0))
    tracemalloc.start()
    for _ in range(100):
        body.feed(b"x" * 2**16)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert b"abcd" == body.finish()
    assert MIB > peak


NOTHING = b"\0\0\0\xff\xff"  # An empty block that is not the last one.


@pytest.mark.parametrize(
    "endless",
    [
        gzip.compress(b"abcd", mtime=0),
        gzip.compress(b"", mtime=0)[:10] + NOTHING,
    ],
    ids=["behind the end", "without an end"],
)
def test_what_never_becomes_anything(endless: bytes) -> None:
    """Compressed data that goes on and on is refused, if late."""
    with pytest.raises(TransportFailure, match="exceeds 100 bytes"):
        read("gzip", [endless, *[NOTHING * 1000] * 20])


_LONG = bytes(range(97, 123)) * 99


@pytest.mark.parametrize(
    ("encoding", "content", "start"),
    [
        ("", b"abcd" * 30, b"abcd" * 30),
        ("", b"x" * 999, b"x" * 128),
        ("gzip", gzip.compress(b"abcd", mtime=0)[:-4], b"abcd"),
        ("gzip", gzip.compress(b"abcd", mtime=0)[:-4] + b"oops", b"abc"),
        ("gzip", gzip.compress(_LONG, mtime=0)[:-4] + b"oops", _LONG[:128]),
        ("gzip", b"no gzip", b""),
        ("br", b"abcd", b""),
    ],
)
def test_its_beginning(encoding: str, content: bytes, start: bytes) -> None:
    """The beginning is known whatever breaks behind it."""
    body = Body(encoding, 1000, 200)
    with suppress(TransportFailure):
        body.feed(content)

    assert start == body.start


@pytest.mark.parametrize(("size", "most"), [(1, 2080), (63, 131_072)])
def test_too_many_pieces(size: int, most: int) -> None:
    """Chunks that are tiny on average are read up to some thousands only."""
    body = Body("", 2**30, 200)
    fed = 0
    with suppress(TransportFailure):
        while fed <= most:
            body.feed(b"x" * size)
            fed += 1

    assert most - 64 < fed <= most


def test_chunks_of_usual_size() -> None:
    """Chunks of 64 bytes and more are read however many there are."""
    assert 640_000 == len(read("", [b"x" * 64] * 10_000, limit=2**20))


def test_late() -> None:
    """Where all chunks are there at once, the deadline is looked at too."""
    times = iter([False, False, True])
    body = Body("", 100, 200, late=lambda: next(times))
    body.feed(b"x")
    body.feed(b"x")
    with pytest.raises(TransportFailure) as caught:
        body.feed(b"x")

    assert (
        FailureKind.BODY,
        "the deadline passed before its body was read.",
    ) == (caught.value.failure.kind, caught.value.failure.detail)


async def test_refused_while_it_is_cancelled() -> None:
    """An answer that is given up leaves no generator half-way: trio warns."""
    ended: list[bool] = []

    class Cancelled(BaseException):
        pass

    class Answer:
        is_stream_consumed = False

        def __init__(self) -> None:
            self.stream = self.chunks()

        async def chunks(self) -> AsyncIterator[bytes]:
            try:
                yield b"x" * 101
            finally:
                ended.append(True)

        async def aclose(self) -> None:
            raise Cancelled

    peer = HttpxPeer(httpx, httpx.AsyncHTTPTransport(), blocking=False)
    peer._answer = Answer()
    patience: Any = None
    with pytest.raises(Cancelled):
        await peer.read(Body("", 100, 200), patience)

    assert [True] == ended
