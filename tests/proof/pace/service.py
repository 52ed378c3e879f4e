"""A sandbox in a process of its own that notes each request it counts.

``python -m proof.pace.service NOTES CONFIG`` prints its address.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs
import cattrs

from sesamy_async.sandbox import (
    Endpoint,
    Ledger,
    Limit,
    RecordedCall,
    Sandbox,
    SandboxConfig,
    serve,
)


_TESTS = Path(__file__).parents[2]
_MINUTE = 60
_LIMITED = {Endpoint.CREATE, Endpoint.CONFIRM}


@attrs.frozen(kw_only=True)
class Request:
    """A request that the service counted.

    Attributes:
        at: When it came, on the monotonic clock of the machine.
        endpoint: Where to.
        status: Of the answer.
        order: The id of its order.
    """

    at: float
    endpoint: str
    status: int
    order: str


class _NotingLedger(Ledger):
    def __init__(self, notes: Path) -> None:
        super().__init__()
        self._notes = notes.open("a", encoding="utf-8")

    def note(self, call: RecordedCall) -> None:
        now = time.monotonic()
        super().note(call)
        known = self.calls[-1]  # With the order of a confirm.
        if known.endpoint in _LIMITED:
            noted = Request(
                at=now,
                endpoint=known.endpoint,
                status=known.status,
                order=known.external_order_id,
            )
            self._notes.write(f"{json.dumps(attrs.asdict(noted))}\n")
            self._notes.flush()


@attrs.frozen
class Service:
    """Such a sandbox, from outside.

    Attributes:
        settings: The SESAMY_* variables that lead there.
        notes: Where it notes the requests.
    """

    settings: dict[str, str]
    notes: Path

    def requests(self) -> tuple[Request, ...]:
        """Return the requests that were counted so far."""
        lines = self.notes.read_text(encoding="utf-8").splitlines()
        found = [json.loads(each) for each in lines]
        return tuple(cattrs.structure(found, list[Request]))

    def ledger(self) -> dict[str, Any]:
        """Ask what was done."""
        url = self.settings["SESAMY_BASE_URL"]
        # A client of httpx loads its certificates, which takes longer.
        with urllib.request.urlopen(f"{url}/_sandbox/ledger") as answer:  # noqa: S310 - our own
            told: dict[str, Any] = json.load(answer)
        return told


@contextmanager
def service(
    notes: Path, rate: float, burst: int, faults: Mapping[str, float]
) -> Iterator[Service]:
    """Start one, and end it.

    Args:
        notes: A file that is not there yet.
        rate: Requests per second.
        burst: How many at once.
        faults: As `SandboxConfig.fault_rates`.
    """
    command = [sys.executable, "-m", __name__, str(notes)]
    command += [json.dumps([round(rate * _MINUTE), burst, {**faults}])]
    path = os.pathsep.join([str(_TESTS), str(_TESTS.parent)])
    notes.touch()
    with subprocess.Popen(  # noqa: S603 - our own words
        command,
        text=True,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            yield Service(Sandbox().environment(url), notes)
        finally:
            process.terminate()


def _serve(notes: str, more: str) -> None:
    requests, burst, faults = json.loads(more)
    limit = Limit(requests_per_minute=requests, burst=burst)
    config = SandboxConfig(rate_limit=limit, fault_rates=faults)
    sandbox = Sandbox(config, ledger=_NotingLedger(Path(notes)))
    serve(sandbox, port=0, ready=_tell)


def _tell(url: str) -> None:
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
