"""A sandbox in a process of its own, which notes what faults it makes.

``python -m proof.kills.served NOTES SEED RATES CONFIG`` prints its address.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from sesamy_async.sandbox import (
    Endpoint,
    Fault,
    FaultKind,
    Faults,
    Sandbox,
    SandboxConfig,
    serve,
)


_TESTS = Path(__file__).parents[2]
_ROOT = _TESTS.parent
_LOSSLESS = {
    FaultKind.DELAY,
    FaultKind.WAIT,
    FaultKind.NO_RATE_HEADERS,
}
_UNSURE = 500


class NotedFaults(Faults):
    """Faults by chance; each that may leave a create in doubt is noted."""

    def __init__(
        self,
        rates: Mapping[str, float],
        chance: random.Random,
        notes: Path,
    ) -> None:
        super().__init__(rates, chance)
        self._notes = notes.open("a", encoding="utf-8")

    def strike(self, endpoint: Endpoint) -> Fault | None:
        """Note the fault of a request."""
        fault = super().strike(endpoint)
        if fault is not None and endpoint is Endpoint.CREATE and _loses(fault):
            self._notes.write(f"{fault}\n")
            self._notes.flush()
        return fault


def _loses(fault: Fault) -> bool:
    """Whether the client can't know what became of the request."""
    if fault.kind is FaultKind.STATUS:
        return fault.number >= _UNSURE
    return fault.kind not in _LOSSLESS


@attrs.frozen
class Served:
    """A sandbox that is served, from outside.

    Attributes:
        url: Where it is.
        settings: The SESAMY_* variables that lead there.
        notes: Where it notes the faults that may leave a create in doubt.
    """

    url: str
    settings: dict[str, str]
    notes: Path

    def ledger(self) -> dict[str, Any]:
        """Ask what was done."""
        told: dict[str, Any] = json.loads(self._asked("GET", "ledger"))
        return told

    def reset(self) -> None:
        """Let it forget what was done."""
        self._asked("POST", "reset")

    def _asked(self, method: str, what: str) -> bytes:
        # A client of httpx loads its certificates, which takes longer.
        request = urllib.request.Request(  # noqa: S310 - our own
            f"{self.url}/_sandbox/{what}", method=method
        )
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            told: bytes = answer.read()
        return told

    def lost(self) -> int:
        """Return how many creates it has left in doubt so far."""
        return len(self.notes.read_text(encoding="utf-8").splitlines())


@contextmanager
def served(
    notes: Path, seed: int, rates: Mapping[str, float], **config: Any
) -> Iterator[Served]:
    """Start one, and end it.

    Args:
        notes: A file that is not there yet.
        seed: Of its chance.
        rates: As `SandboxConfig.fault_rates`.
        **config: What else a `SandboxConfig` has.
    """
    command = [sys.executable, "-m", __name__]
    command += [str(notes), str(seed), json.dumps(rates), json.dumps(config)]
    path = os.pathsep.join([str(_TESTS), str(_ROOT)])
    with subprocess.Popen(  # noqa: S603 - our own words
        command,
        text=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            yield Served(url, Sandbox().environment(url), notes)
        finally:
            process.terminate()


def _serve(notes: str, seed: str, rates: str, more: str) -> None:
    config = SandboxConfig(seed=int(seed), rate_limit=None, **json.loads(more))
    sandbox = Sandbox(config)
    chance = random.Random(int(seed))  # noqa: S311 - repeatable on purpose
    sandbox.faults = NotedFaults(json.loads(rates), chance, Path(notes))
    serve(sandbox, port=0, ready=_tell)


def _tell(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
