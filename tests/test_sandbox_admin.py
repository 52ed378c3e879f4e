"""Other processes read and steer a sandbox over its own endpoints."""

from __future__ import annotations

import pytest

from sesamy_async.sandbox import Sandbox
from support.sandbox_caller import CREATE, order
from support.served_sandbox import served


def test_ledger_is_served() -> None:
    """The ledger can be read from other processes, and reset."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        client.post(CREATE, json=order())
        before = client.get("/_sandbox/ledger").json()
        reset = client.post("/_sandbox/reset")
        after = client.get("/_sandbox/ledger").json()

    assert list(before["orders"]) == ["A-1"]
    assert before["requests"] == {"create": {"200": 1}, "token": {"200": 1}}
    assert (reset.status_code, after["orders"]) == (200, {})


def test_faults_are_served() -> None:
    """Faults can be queued from other processes."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        queued = client.post(
            "/_sandbox/faults",
            json={"fault": "status:503", "times": 2, "on": "create"},
        )
        broken = client.post(CREATE, json=order())

    assert queued.json() == {"pending": ["status:503", "status:503"]}
    assert broken.status_code == 503


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "must be JSON"),
        (b"[]", "must be an object"),
        (b'{"fault": "empty", "x": 1}', "Only fault, times and on"),
        (b'{"fault": 5}', "fault is required"),
        (b"{}", "fault is required"),
        (b'{"fault": "empty", "times": "2"}', "times must be"),
        (b'{"fault": "empty", "on": 2}', "on must be"),
        (b'{"fault": "explode"}', "is none of"),
    ],
)
def test_wrong_faults_are_refused(body: bytes, said: str) -> None:
    """What can't be queued is refused in words that help."""
    with served(Sandbox()) as client:
        answer = client.post("/_sandbox/faults", content=body)

    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_other_endpoints_of_its_own() -> None:
    """An unknown endpoint names those there are."""
    with served(Sandbox()) as client:
        answer = client.get("/_sandbox/reset")

    assert answer.status_code == 404
    assert "POST /_sandbox/reset" in answer.json()["message"]
