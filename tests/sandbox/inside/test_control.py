"""The endpoints that control a sandbox: what they refuse, and from whom.

They stand here because a sandbox has no public method for one request.
"""

from __future__ import annotations

import json

import pytest

from sesamy_async import Headers
from sesamy_async.sandbox import Answer, Sandbox, SandboxRequest
from sesamy_async.sandbox._sandbox import administer, refuse_foreign


FAULT = b'{"fault": "empty"}'
OWN = "http://127.0.0.1:8787"


def asked(
    method: str = "POST", body: bytes = b"", **headers: str
) -> SandboxRequest:
    """Return a request that queues a fault."""
    sent = {"Host": "127.0.0.1:8787"}
    sent |= {name.replace("_", "-"): headers[name] for name in headers}
    return SandboxRequest(
        method=method,
        path="/_sandbox/faults",
        headers=Headers(sent),
        body=body,
    )


def message(answer: Answer) -> str:
    """Return what an answer says."""
    said: str = json.loads(answer.body)["message"]
    return said


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"{", "must be JSON"),
        (b"[]", "must be an object"),
        (b'{"fault": "empty", "x": 1}', "unknown: x (known are fault, times"),
        (b'{"fault": 5}', "fault: must be a string"),
        (b"{}", "fault: missing"),
        (b'{"fault": "empty", "times": "2"}', "times: must be a whole"),
        (b'{"fault": "empty", "times": 0}', "times must be at least 1"),
        (b'{"fault": "empty", "on": 2}', "on: must be a string"),
        (b'{"fault": "explode"}', "is none of"),
    ],
)
def test_wrong_faults_are_refused(body: bytes, said: str) -> None:
    """A fault that can't be queued is refused with the reason."""
    answer = administer(Sandbox(), asked(body=body))

    assert answer.status == 400
    assert said in message(answer)


def test_unknown_endpoint() -> None:
    """An unknown endpoint names the known ones."""
    answer = administer(Sandbox(), asked("GET"))

    assert answer.status == 404
    assert "POST /_sandbox/reset" in message(answer)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (asked(Host="localhost"), None),
        (asked(Host="LOCALHOST:8787"), None),
        (asked(Host="shop.localhost:1"), None),
        (asked(Host="127.8.8.8"), None),
        (asked(Host="[::1]:8787"), None),
        (asked(Host=""), 403),
        (asked(Host="[::1"), 403),
        (asked(Host="10.0.0.1:8787"), 403),
        (asked(Host="0.0.0.0:8787"), 403),
        (asked(Host="127.0.0.1.evil.example"), 403),
        (asked(Host="evil.example:.localhost"), 403),
        (asked(Host="evil.example#.localhost"), 403),
        (asked(Host="notlocalhost"), 403),
        (asked(Origin=OWN, Sec_Fetch_Site="same-origin"), None),
        (asked(Sec_Fetch_Site="none"), None),
        (asked(Sec_Fetch_Site="same-site"), 403),
        (asked(Origin="null"), 403),
        (asked(Origin="http://127.0.0.1:9999"), 403),
        (asked(Origin="http://localhost:8787"), 403),
        (asked(body=FAULT, Content_Type="Application/JSON; a=b"), None),
        (asked(body=FAULT), 415),
        (asked(Content_Type="application/x-www-form-urlencoded"), 415),
        (asked(body=FAULT, Content_Type="multipart/form-data; a"), 415),
        (asked("PUT", Origin="null"), 403),
        # A page can't read these, unless its own name leads here.
        (asked("GET", Origin="null", Sec_Fetch_Site="cross-site"), None),
        (asked("GET", Host="evil.example"), 403),
    ],
)
def test_who_may_control_a_sandbox(
    request_: SandboxRequest, status: int | None
) -> None:
    """Programs of this machine may, and pages of the sandbox's own origin."""
    refusal = refuse_foreign(request_)

    assert status == (refusal and refusal.status)
