"""Slow servers in a process of their own, so that they delay nobody else."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from multiprocessing.connection import Connection

import attrs

from support import faults, slow_rows
from support.fault_server import FaultServer, Step
from support.faults import answer, drip, good
from support.slow_rows import HEAD, SIZED
from support.tls import server_context


STEPS: Mapping[str, Step] = {
    "good": good,
    "hangs": faults.hang,
    "is silent": faults.silent,
    "drips headers": drip(HEAD, b"X: y\r\n"),
    "drips a body": drip(SIZED, b" "),
    "always 503": answer(503),
    "always 429": answer(429),
    "always resets": faults.reset_answer,
    **{row.cause: row.step for row in slow_rows.ROWS},
}
_SECURE = {row.cause for row in slow_rows.ROWS if row.tls}


@attrs.define
class Elsewhere:
    """A server of another process.

    Attributes:
        port: Where it listens.
        tls: Whether it speaks TLS.
    """

    port: int
    tls: bool

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"


Servers = Mapping[str, Elsewhere]
"""Servers by the names of their steps."""


@contextmanager
def serving() -> Iterator[Servers]:
    """Serve all steps while the block runs."""
    # The child has the certificates of its parent.
    server_context()
    ours, theirs = multiprocessing.Pipe()
    forking = multiprocessing.get_context("fork")
    process = forking.Process(target=_serve, args=(theirs,), daemon=True)
    process.start()
    ports: dict[str, int] = ours.recv()
    try:
        yield {
            name: Elsewhere(port, name in _SECURE)
            for name, port in ports.items()
        }
    finally:
        ours.send(None)
        process.join()
        for end in (ours, theirs):
            end.close()


def _serve(parent: Connection) -> None:
    with ExitStack() as stack:
        ports: dict[str, int] = {}
        for name, step in STEPS.items():
            context = server_context() if name in _SECURE else None
            server = FaultServer([], step, context=context)
            ports[name] = stack.enter_context(server).port
        parent.send(ports)
        parent.recv()
