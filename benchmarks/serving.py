"""Have a server in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from .payload import ROOT, Target


_PATIENCE = 10.0


@contextmanager
def serving(
    core: int | None,
    *,
    delay: float = 0.0,
    certificate: str = "",
    own: bool = False,
) -> Iterator[Target]:
    """Serve while the block runs.

    Args:
        core: On which it stays.
        delay: Seconds before each answer.
        certificate: A PEM file with key and chain, to serve https.
        own: Whether each create is answered with a contract of its own.
    """
    command = [sys.executable, "-m", "benchmarks.server"]
    command += ["--delay", str(delay), "--certificate", certificate]
    if own:
        command += ["--own-contracts"]
    if core is not None:
        command += ["--core", str(core)]
    with subprocess.Popen(  # noqa: S603 - ourselves
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            port = int(process.stdout.readline())
            scheme = "https" if certificate else "http"
            host = "localhost" if certificate else "127.0.0.1"
            yield Target(f"{scheme}://{host}:{port}")
        finally:
            process.stdin.close()
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
