"""Whether an idle connection has something to say."""

from __future__ import annotations

import ssl

from sesamy_async._http import holds_more
from support.tls import client_context, server_context


def shaken() -> tuple[ssl.SSLObject, ssl.SSLObject, ssl.MemoryBIO]:
    """Return both ends of TLS in memory, and what leads to the client."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context().wrap_bio(
        down, up, server_hostname="api.sesamy.test"
    )
    server = server_context().wrap_bio(up, down, server_side=True)
    ends = [client, server]
    while ends:
        end = ends.pop(0)
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            ends.append(end)
    return client, server, down


def test_what_nobody_has_read() -> None:
    """Each record beyond the one that was read is something more."""
    client, server, _ = shaken()
    server.write(b"an answer")
    server.write(b"and another")

    assert b"an answer" == client.read(100)
    assert holds_more(client)


def test_all_was_read() -> None:
    """What TLS says to itself, such as tickets, is nothing."""
    client, _, down = shaken()

    assert down.pending  # The tickets.
    assert not holds_more(client)


def test_no_tls_at_all() -> None:
    """What can't be read is of no use either."""
    client, _, down = shaken()
    down.write(b"HTTP/1.1 200 OK\r\n\r\n")

    assert holds_more(client)
