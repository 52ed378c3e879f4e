"""The fault proxy breaks connections where and how it is told to."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from support.patience import patiently, until
from support.ports import closed_port
from support.proxy import (
    ESTABLISHED,
    Act,
    ByteFault,
    ConnectProxy,
    FaultProxy,
    Side,
)
from support.questions import (
    PATIENCE,
    QUESTION,
    REPLY,
    asked,
    connect,
    serve,
)
from support.tls import server_context


@pytest.fixture(scope="module")
def portal() -> Iterator[BlockingPortal]:
    """Return what leads to the loop of the proxies."""
    with start_blocking_portal("asyncio") as portal:
        yield portal


@pytest.fixture
def heard() -> list[bytes]:
    """Return what was heard over each connection that has ended."""
    return []


@pytest.fixture
def target(heard: list[bytes]) -> Iterator[int]:
    """Serve whole questions only."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, args=(listener, heard))
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextmanager
def proxied(
    portal: BlockingPortal, target: int, context: ssl.SSLContext | None = None
) -> Iterator[FaultProxy]:
    """Run a proxy."""
    proxy = FaultProxy(target, context=context)
    with portal.wrap_async_context_manager(proxy):
        yield proxy


def test_without_a_fault_all_bytes_pass(
    portal: BlockingPortal, target: int
) -> None:
    """They are counted, for the latest exchange."""
    with proxied(portal, target) as proxy, connect(proxy) as sock:
        replies = [asked(sock), asked(sock)]
        portal.call(proxy.arm)
        replies.append(asked(sock))

    assert [REPLY] * 3 == replies
    assert {Side.REQUEST: 10, Side.ANSWER: 10} == proxy.passed


ENDS = {
    Act.RESET: "b'an ', reset",
    Act.CLOSE: b"an ",
    Act.TRUNCATE: b"an ",
    Act.STALL: "b'an ', silence",
    Act.HANG: "b'an ', silence",
    Act.DRIP: REPLY,
}
# Only silence has to be waited for.
_PATIENCE = {
    act: (0.2, 1.0, 5.0) if act in {Act.STALL, Act.HANG} else (PATIENCE,)
    for act in Act
}


@pytest.mark.parametrize("act", Act)
@pytest.mark.parametrize("kept", [False, True])
def test_an_answer_breaks_at_its_byte(
    act: Act, kept: bool, portal: BlockingPortal, target: int
) -> None:
    """The bytes before it come; on a kept connection as on a new one."""
    fault = ByteFault(side=Side.ANSWER, at=3, act=act)

    def attempt(patience: float) -> tuple[object, int]:
        with proxied(portal, target) as proxy, connect(proxy) as sock:
            if kept:
                asked(sock)
            portal.call(proxy.arm, fault)
            got = asked(sock, patience=patience)
        lost = act is Act.RESET and got == "b'', reset"
        return ENDS[act] if lost else got, proxy.struck

    expected = ENDS[act], 1

    assert expected == patiently(expected, attempt, _PATIENCE[act])


@pytest.mark.parametrize("act", Act)
def test_a_request_breaks_at_its_byte(
    act: Act, portal: BlockingPortal, target: int, heard: list[bytes]
) -> None:
    """The server hears what was let through, and nothing more."""
    fault = ByteFault(side=Side.REQUEST, at=4, act=act)
    dripped = act is Act.DRIP

    def attempt(patience: float) -> tuple[bool, list[bytes]]:
        heard.clear()
        with proxied(portal, target) as proxy, connect(proxy) as sock:
            portal.call(proxy.arm, fault)
            got = asked(sock, patience=patience)
        until(lambda: heard)
        return got == REPLY, list(heard)

    expected = dripped, [QUESTION if dripped else QUESTION[:4]]

    assert expected == patiently(expected, attempt, _PATIENCE[act])


@pytest.mark.parametrize(
    ("act", "polite"),
    [(Act.RESET, False), (Act.CLOSE, False), (Act.TRUNCATE, True)],
)
def test_tls_ends_with_a_goodbye_or_without(
    act: Act, polite: bool, portal: BlockingPortal, target: int
) -> None:
    """Only what is cut ends as TLS should."""
    fault = ByteFault(side=Side.ANSWER, at=0, act=act)
    with (
        proxied(portal, target, server_context()) as proxy,
        connect(proxy, tls=True) as sock,
    ):
        before = asked(sock)
        portal.call(proxy.arm, fault)
        got = asked(sock)

    assert REPLY == before
    assert polite == (got == b"")


def test_something_else_is_said(
    portal: BlockingPortal, target: int, heard: list[bytes]
) -> None:
    """The client hears it, and the server never gets the last byte."""
    last = len(QUESTION) - 1
    fault = ByteFault(side=Side.REQUEST, at=last, act=Act.CLOSE, said=b"no")
    with proxied(portal, target) as proxy, connect(proxy) as sock:
        portal.call(proxy.arm, fault)
        got = asked(sock)
    until(lambda: heard)

    assert b"no" == got
    assert [QUESTION[:last]] == heard


def test_each_fault_strikes_one_connection(
    portal: BlockingPortal, target: int
) -> None:
    """When all have struck, all is well."""
    fault = ByteFault(side=Side.REQUEST, at=0, act=Act.RESET)
    got = []
    with proxied(portal, target) as proxy:
        portal.call(proxy.arm, fault, fault)
        for _ in range(3):
            with connect(proxy) as sock:
                got.append(asked(sock))

    assert ["b'', reset", "b'', reset", REPLY] == got


def test_it_refuses_and_comes_back(
    portal: BlockingPortal, target: int
) -> None:
    """On the same port."""
    with proxied(portal, target) as proxy:
        portal.call(proxy.refuse)
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
        portal.call(proxy.listen)
        with connect(proxy) as sock:
            got = asked(sock)

    assert REPLY == got


def test_it_opens_tunnels(portal: BlockingPortal, target: int) -> None:
    """Whatever name is asked for, they lead to one port."""
    head = b"CONNECT somewhere:443 HTTP/1.1\r\n\r\n"
    proxy = ConnectProxy(target)
    with (
        portal.wrap_async_context_manager(proxy),
        socket.create_connection(("127.0.0.1", proxy.port), 5) as sock,
    ):
        sock.sendall(head)
        opened = sock.recv(100)
        got = asked(sock)

    assert (ESTABLISHED, REPLY, head) == (opened, got, proxy.head)


def test_nobody_behind_it(portal: BlockingPortal) -> None:
    """Then the connection ends."""
    with (
        closed_port() as port,
        proxied(portal, port) as proxy,
        connect(proxy) as sock,
    ):
        got = asked(sock)

    assert got in {b"", "b'', reset"}
