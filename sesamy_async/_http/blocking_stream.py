"""Blocking network streams that know the deadline of the call.

A timeout bounds one read.  A server that sends a byte now and then could
hold a call for as long as it likes.  In async code a cancellation ends that;
in blocking code only the stream can.
"""

from __future__ import annotations

import math
import socket
import ssl
from typing import Any

from sesamy_async._call import Runtime

from .stream import (
    FORK_LOCK,
    READ_SIZE,
    RequestBuffer,
    connecting_error,
    is_readable,
)


class Allowance:
    """How long the present call may still use a connection."""

    __slots__ = ("_runtime", "deadline")

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.deadline: float = math.inf

    def within(self, seconds: float | None) -> Allowance:
        """Return an allowance for one part of the call."""
        part = Allowance(self._runtime)
        left = self.shorten(seconds)
        if left is not None:
            part.deadline = self._runtime.now() + left
        return part

    def shorten(self, timeout: float | None) -> float | None:
        """Return the timeout, or the rest of the time if that is less.

        Raises:
            TimeoutError: Nothing is left.
        """
        if self.deadline == math.inf:
            return timeout
        left = self.deadline - self._runtime.now()
        if left <= 0:
            raise TimeoutError("The deadline passed.")
        return left if timeout is None else min(timeout, left)


class BlockingStream:
    """What httpcore reads from and writes to.

    Args:
        sock: A connected socket, perhaps with TLS over it.
        allowance: How long the call may take.
        errors: The httpcore whose exceptions are raised.
    """

    def __init__(
        self, sock: socket.socket, allowance: Allowance, errors: Any
    ) -> None:
        self._sock = sock
        self._allowance = allowance
        self._errors = errors
        self._request = RequestBuffer()

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read some bytes, not many at once; none at the end."""
        if self._request.waiting:
            self._send(timeout)
        try:
            self._bound(timeout)
            return self._sock.recv(min(max_bytes, READ_SIZE))
        except TimeoutError as error:
            raise self._errors.ReadTimeout(str(error)) from error
        except OSError as error:
            raise self._errors.ReadError(str(error)) from error

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes."""
        send = self._request.add(buffer)
        del buffer  # No traceback may show it as a local of ours.
        if send:
            self._send(timeout)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> BlockingStream:
        """Put TLS over it."""
        sock: socket.socket = self._sock
        try:
            limit = self._allowance.within(timeout)
            # In two steps: where Ctrl-C interrupts the second one, the
            # first has not left the socket open.
            sock = secured = ssl_context.wrap_socket(
                sock,
                server_hostname=server_hostname,
                do_handshake_on_connect=False,
            )
            _shake_hands(secured, limit)
        except OSError as error:
            sock.close()
            raise connecting_error(error, self._errors) from error
        except BaseException:
            sock.close()
            raise
        return BlockingStream(sock, self._allowance, self._errors)

    def get_extra_info(self, info: str) -> Any:
        """Return what the connection says of itself."""
        sock = self._sock
        tls = sock if isinstance(sock, ssl.SSLSocket) else None
        if info == "is_readable":
            # TLS takes in whole records, of which a read may leave some.
            return bool(tls and tls.pending()) or is_readable(sock)
        if info == "ssl_object":
            return tls
        return sock if info == "socket" else None

    def _bound(self, timeout: float | None) -> None:
        """Set the timeout of the next operation."""
        seconds = self._allowance.shorten(timeout)
        if self._sock.gettimeout() != seconds:  # A system call.
            self._sock.settimeout(seconds)

    def _send(self, timeout: float | None) -> None:
        left = memoryview(self._request.take())
        try:
            while left:
                self._bound(timeout)
                left = left[self._sock.send(left) :]
        except TimeoutError as error:
            raise self._errors.WriteTimeout(str(error)) from error
        except OSError as error:
            raise self._errors.WriteError(str(error)) from error


def _shake_hands(sock: ssl.SSLSocket, limit: Allowance) -> None:
    """Do a whole handshake in steps, between which a fork may happen.

    Raises:
        OSError: It failed, or took too long.
    """
    while True:
        sock.settimeout(0.0)
        try:
            with FORK_LOCK:
                sock.do_handshake()
        except ssl.SSLWantReadError:
            sock.settimeout(limit.shorten(None))
            # The socket beneath TLS: it waits until something comes.
            socket.socket.recv(sock, 1, socket.MSG_PEEK)
        else:
            return


class BlockingBackend:
    """Opens streams.

    Args:
        allowance: How long the call may take.
        errors: The httpcore whose exceptions are raised.
    """

    def __init__(self, allowance: Allowance, errors: Any) -> None:
        self._allowance = allowance
        self._errors = errors

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        **options: Any,
    ) -> BlockingStream:
        """Connect to the first address that lets us.

        All addresses of a name share one timeout.  Looking the name up is
        not bounded: no system call for it has a timeout.
        """
        del options  # Of the socket: our connections have none.
        try:
            sock = _connected(host, port, self._allowance.within(timeout))
        except (OSError, UnicodeError) as error:
            raise connecting_error(error, self._errors) from error
        return BlockingStream(sock, self._allowance, self._errors)


def _connected(host: str, port: int, allowance: Allowance) -> socket.socket:
    failure = OSError("The name has no address.")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    for tried, (family, kind, protocol, _, address) in enumerate(found):
        try:
            sock = socket.socket(family, kind, protocol)
        except OSError as error:  # This machine lacks the family.
            failure = error
            continue
        try:
            # A share each: the first may be one that never answers.
            left = allowance.shorten(None)
            share = None if left is None else left / (len(found) - tried)
            sock.settimeout(share)
            sock.connect(address)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            sock.close()
            failure = error
        except BaseException:
            sock.close()
            raise
        else:
            return sock
    raise failure
