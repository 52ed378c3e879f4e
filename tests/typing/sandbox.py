"""The sandbox, as users play with it.

Type checkers read it; it is never run.  What must be an error carries a
`type: ignore`, which they refuse where it is not needed.
"""

from __future__ import annotations

from typing import assert_type

from sesamy_async.sandbox import Fault, Sandbox, SandboxConfig, running


def play() -> None:
    """Use the sandbox as a test would."""
    sandbox = Sandbox(SandboxConfig(seed=1, rate_limit=None))
    sandbox.faults.add("drop-after", times=2, on="create")
    sandbox.faults.add(Fault.status(503, applied=True))
    with running(sandbox) as url:
        assert_type(url, str)
        assert_type(sandbox.environment(url), dict[str, str])
    assert_type(sandbox.ledger.count("A-1"), int)
