"""Other processes read and steer a sandbox over its own endpoints."""

from __future__ import annotations

import pytest

from sesamy_async._headers import Headers
from sesamy_async.sandbox import Sandbox, SandboxRequest
from sesamy_async.sandbox._sandbox import refuse_foreign
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
        answer = client.post(
            "/_sandbox/faults",
            content=body,
            headers={"Content-Type": "application/json; charset=utf-8"},
        )

    assert answer.status_code == 400
    assert said in answer.json()["message"]


def test_other_endpoints_of_its_own() -> None:
    """An unknown endpoint names those there are."""
    with served(Sandbox()) as client:
        answer = client.get("/_sandbox/reset")

    assert answer.status_code == 404
    assert "POST /_sandbox/reset" in answer.json()["message"]


FAULT = b'{"fault": "empty"}'
OWN = "http://127.0.0.1:8787"


def asked(
    method: str = "POST", body: bytes = b"", **headers: str
) -> SandboxRequest:
    """Return a request to an endpoint of the sandbox's own."""
    sent = {"Host": "127.0.0.1:8787"}
    sent |= {name.replace("_", "-"): headers[name] for name in headers}
    return SandboxRequest(
        method=method,
        path="/_sandbox/faults",
        headers=Headers(sent),
        body=body,
    )


@pytest.mark.parametrize("path", ["faults", "reset"])
@pytest.mark.parametrize(
    ("headers", "status", "said"),
    [
        ({"Sec-Fetch-Site": "cross-site"}, 403, "another site"),
        ({"Sec-Fetch-Site": "same-site"}, 403, "another site"),
        ({"Origin": "https://evil.example"}, 403, "another origin"),
        ({"Origin": "null"}, 403, "another origin"),
        ({"Host": "evil.example:8787"}, 403, "Host header"),
        ({"Content-Type": "text/plain"}, 415, "application/json"),
    ],
)
def test_web_pages_change_nothing(
    path: str, headers: dict[str, str], status: int, said: str
) -> None:
    """What a browser may be made to send is refused, and does nothing."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        client.post(CREATE, json=order())
        answer = client.post(
            f"/_sandbox/{path}",
            content=FAULT,
            headers={"Content-Type": "application/json", **headers},
        )

    assert (status, 1, ()) == (
        answer.status_code,
        sandbox.ledger.total,
        sandbox.faults.pending,
    )
    assert said in answer.json()["message"]


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
        (asked(Host="notlocalhost"), 403),
        (asked(Origin=OWN, Sec_Fetch_Site="same-origin"), None),
        (asked(Sec_Fetch_Site="none"), None),
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
def test_who_may_steer_a_sandbox(
    request_: SandboxRequest, status: int | None
) -> None:
    """Programs of this machine, and pages of the sandbox's own origin."""
    refusal = refuse_foreign(request_)

    assert status == (refusal and refusal.status)
