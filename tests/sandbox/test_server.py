"""Served, the sandbox answers and breaks real connections."""

from __future__ import annotations

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from aiohttp.test_utils import make_mocked_request

from sesamy_async.sandbox import NO_ANSWER, Sandbox, running
from sesamy_async.sandbox import _listener as listener
from support.sandbox_caller import CREATE, order
from support.served_sandbox import served


# The answer is not waited for, but a busy machine may take its time with all
# that comes before.
PATIENCE = httpx.Timeout(20.0, read=2.0)


def test_served_like_in_process() -> None:
    """A served sandbox creates contracts, encoded paths and all."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        path = CREATE.replace("SPRING-12", "SPRING%2D12")
        answer = client.post(f"{path}?confirm=1", json=order())
        missing = client.get("/nowhere")
    (contract,) = sandbox.ledger.confirmed("A-1")

    assert (200, contract.id) == (answer.status_code, answer.json()["id"])
    assert "X-RateLimit-Remaining" in answer.headers
    assert missing.status_code == 404


@pytest.mark.parametrize(
    ("fault", "raised", "applied"),
    [
        # Which of the two depends on how much httpx has written by then.
        (
            "drop-before",
            (httpx.ReadError, httpx.RemoteProtocolError),
            0,
        ),
        ("drop-after", httpx.ReadError, 1),
        ("half", httpx.RemoteProtocolError, 1),
        ("delay:50", httpx.ReadTimeout, 1),
    ],
)
def test_served_faults(
    fault: str,
    raised: type[Exception] | tuple[type[Exception], ...],
    applied: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Each broken connection raises what it does in process; none logs."""
    caplog.set_level("WARNING", "aiohttp")
    sandbox = Sandbox()
    with served(sandbox) as client:
        sandbox.faults.add(fault, on="create")
        with pytest.raises(raised):
            client.post(CREATE, json=order(), timeout=PATIENCE)
        answer = client.post(CREATE, json=order("A-2"))

    assert answer.status_code == 200
    assert applied == sandbox.ledger.count("A-1")
    assert caplog.records == []


def test_dropped_before_the_body_is_read() -> None:
    """A connection dies although the body has not come yet."""
    sandbox = Sandbox()
    sandbox.faults.add("drop-before")
    with running(sandbox) as url:
        address = "127.0.0.1", int(url.rpartition(":")[2])
        with socket.create_connection(address, timeout=10) as connection:
            connection.sendall(
                f"POST {CREATE} HTTP/1.1\r\nHost: x\r\n"
                "Content-Length: 10\r\n\r\n".encode()
            )
            with pytest.raises(ConnectionResetError):
                connection.recv(1)

    assert sandbox.ledger.requests("create", NO_ANSWER) == 1


def test_end_does_not_wait_for_late_answers() -> None:
    """A server ends soon, whatever it still has to answer."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        sandbox.faults.add("delay:50")
        with pytest.raises(httpx.ReadTimeout):
            client.post(CREATE, json=order(), timeout=PATIENCE)
        began = time.monotonic()

    assert time.monotonic() - began < 20


def test_short_delay() -> None:
    """An answer that is late but in time is the answer."""
    sandbox = Sandbox()
    with served(sandbox) as client:
        sandbox.faults.add("delay:0.05")
        began = time.monotonic()
        answer = client.post(CREATE, json=order())

    assert answer.status_code == 200
    assert time.monotonic() - began >= 0.05


def test_many_clients_at_once() -> None:
    """Thirty-two threads of clients lose nothing."""
    sandbox = Sandbox()
    with served(sandbox) as client, ThreadPoolExecutor(32) as pool:
        answers = list(
            pool.map(
                lambda number: client.post(CREATE, json=order(str(number))),
                range(200),
            )
        )

    assert {200} == {answer.status_code for answer in answers}
    assert sandbox.ledger.total == 200


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("fault", ["half", "drop-after"])
async def test_client_that_left(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection that is gone already need not be cut."""
    sandbox = Sandbox()
    sandbox.faults.add(fault)
    request = make_mocked_request("POST", "/oauth/token")
    monkeypatch.setattr(type(request), "transport", None)
    answer = await listener._Connection(sandbox).answer(request)

    assert fault == ("half" if answer.prepared else "drop-after")


def test_client_that_left_within_its_request(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Nothing is done for it, and nothing is logged of it."""
    sandbox = Sandbox()
    head = f"POST {CREATE} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
    with running(sandbox) as url:
        port = int(url.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(head.encode())
            time.sleep(0.05)
        time.sleep(0.05)

    assert 0 == sandbox.ledger.requests()
    assert [] == caplog.messages
