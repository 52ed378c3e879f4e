"""Ctrl-C in a script that goes on: a real signal in a real process."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from sesamy_async import Outcome
from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.programs import led_to


SCRIPT = """
import sys
from proof.orders import creating
from sesamy_async import Sesamy
with Sesamy() as client:
    for line in sys.stdin:
        try:
            print(creating(line.strip())(client).id, flush=True)
        except KeyboardInterrupt as error:
            print(*error.__notes__, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals differ there")
@pytest.mark.parametrize(
    ("slow", "outcome"),
    [("token", Outcome.NOT_SENT), ("create", Outcome.UNKNOWN)],
)
def test_the_script_goes_on(slow: str, outcome: Outcome) -> None:
    """The call that waits tells its outcome, and the next one does well."""
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    sandbox.faults.add("delay:30", times=1, on=slow)
    with (
        led_to(sandbox) as environ,
        subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-c", SCRIPT],
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        print("first", file=process.stdin, flush=True)
        while not sandbox.ledger.requests(slow):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        told = process.stdout.readline()
        print("second", file=process.stdin, flush=True)
        made = process.stdout.readline().strip()
        process.stdin.close()
        code = process.wait()

    assert f"Outcome: {outcome}." in told
    assert [made] == [each.id for each in sandbox.ledger.contracts("second")]
    assert 0 == code
