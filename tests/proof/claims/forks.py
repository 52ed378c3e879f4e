"""A process may fork during a first call."""

from __future__ import annotations

import json
import os
import random
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from proof.claim import Claim, Row, Scale, tried
from sesamy_async.sandbox import Sandbox, running
from support.calling import WORLDS
from support.programs import run
from support.tls import server_context, trusted


_PROGRAM = ("-m", "support.first_call", "forks")


def _rows(scale: Scale) -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        authorities = str(trusted(Path(folder)))
        for scheme in ("HTTP", "HTTPS"):
            context = server_context() if scheme == "HTTPS" else None
            sandbox = Sandbox()
            with running(sandbox, ssl_context=context) as url:
                environ = {
                    **os.environ,
                    **sandbox.environment(url),
                    "PYTHONPATH": str(Path(__file__).parents[2]),
                    "SSL_CERT_FILE": authorities,
                }
                for world in WORLDS:
                    yield _row(f"{scheme}, {world}", world, environ, scale)


def _row(what: str, world: str, environ: dict[str, Any], scale: Scale) -> Row:
    def trial(_: random.Random) -> str | None:
        done = run([*_PROGRAM, world], environ)
        if done.returncode:
            return done.stderr
        ends = json.loads(done.stdout)
        return None if {*ends} == {0} else f"its children ended with {ends}"

    return tried(what, scale, trial)


CLAIM = Claim(
    name="forks",
    promise=(
        "If a process forks ten times while another of its threads makes its "
        "first call, the calls of all children end in time."
    ),
    rows=_rows,
    runs=20,
    short=1,
)
