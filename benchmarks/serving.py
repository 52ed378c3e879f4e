"""Have a server in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import which

from .machine import pin
from .payload import ANSWER, ROOT, Target


_SOURCE = ROOT / "benchmarks" / "server.c"
_PATIENCE = 10.0


def compiled(folder: Path) -> str:
    """Compile the server in C.

    Args:
        folder: Where the program goes.

    Returns:
        Its path; empty where there is no compiler, or no epoll.
    """
    compiler, program = which("cc"), folder / "server"
    if compiler is None:
        return ""
    done = subprocess.run(  # noqa: S603 - ours
        [compiler, "-O2", "-o", str(program), str(_SOURCE)],
        check=False,
        capture_output=True,
    )
    return "" if done.returncode else str(program)


@contextmanager
def serving(
    core: int | None,
    *,
    program: str = "",
    delay: float = 0.0,
    certificate: str = "",
    own: bool = False,
) -> Iterator[Target]:
    """Serve while the block runs.

    Args:
        core: On which it stays.
        program: The server in C, which knows none of the other arguments;
            the one in Python without.
        delay: Seconds before each answer.
        certificate: A PEM file with key and chain, to serve https.
        own: Whether each create is answered with a contract of its own.
    """
    command: list[str | bytes] = [sys.executable, "-m", "benchmarks.server"]
    command += ["--delay", str(delay), "--certificate", certificate]
    if own:
        command += ["--own-contracts"]
    if program:
        command = [program, ANSWER]
    with subprocess.Popen(  # noqa: S603 - ourselves
        command,
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        pin(core, process.pid)
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
