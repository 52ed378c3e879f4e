"""Whether an idle connection has something to say: usually its end."""

from __future__ import annotations

import select
import ssl
from typing import Protocol


class _HasFileno(Protocol):
    def fileno(self) -> int: ...


def is_readable(sock: _HasFileno) -> bool:
    """Look, without waiting, whether there is anything to read.

    Windows has no poll, but its select knows no highest number either.
    """
    number = sock.fileno()
    if number < 0:
        return True
    if not hasattr(select, "poll"):  # pragma: no cover - Windows
        return bool(select.select([number], [], [], 0)[0])
    poll = select.poll()
    poll.register(number, select.POLLIN)
    return bool(poll.poll(0))


def holds_more(tls: ssl.SSLObject) -> bool:
    """Look whether TLS took in more from the network than was read of it.

    Records that came together leave the socket together, so it is silent
    about those that nobody has asked for.  There is no looking without
    reading: where this says yes, the connection is of no more use.
    """
    try:
        tls.read(1)
    except ssl.SSLWantReadError:
        return False
    except ssl.SSLError:
        return True
    return True
