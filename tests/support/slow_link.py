"""A process whose only network is a link with a long round trip.

``unshare -rn python -m support.slow_link WORLD`` connects to a name with two
addresses, the first of which never answers, and prints how many seconds that
took.  A TUN device leads to this program, which plays the other end.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys
import threading
import time
from typing import Any
from unittest import mock

import anyio

from sesamy_async._call import drive
from sesamy_async._http.opening import connector
from sesamy_async._http.stream import until


if sys.platform == "linux":  # Others read `ROUND_TRIP` only.
    import fcntl

ROUND_TRIP = 0.35
_DEAD, _SLOW, _PORT = "10.9.0.1", "10.9.0.2", 443
_MOST = 20.0

_TUN, _NO_INFO, _UP = 0x1, 0x1000, 0x41
_MAKE, _ADDRESS, _MASK, _FLAGS = 0x400454CA, 0x8916, 0x891C, 0x8914
_NAME = b"slow"
_SYN, _SYN_ACK = 0x02, 0x12


def made() -> int:
    """Make the device, and return its file descriptor."""
    device = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(device, _MAKE, struct.pack("16sH22x", _NAME, _TUN | _NO_INFO))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for request, address in (
            (_ADDRESS, "10.9.0.254"),
            (_MASK, "255.255.255.0"),
        ):
            packed = socket.inet_aton(address)
            about = struct.pack("16sHH4s8x", _NAME, socket.AF_INET, 0, packed)
            fcntl.ioctl(sock, request, about)
        fcntl.ioctl(sock, _FLAGS, struct.pack("16sH14x", _NAME, _UP))
    return device


def answer(device: int) -> None:
    """Accept connections to the slow address, each after a round trip."""
    while True:
        packet = os.read(device, 2048)
        if packet[0] >> 4 != 4 or packet[9] != socket.IPPROTO_TCP:
            continue
        segment = packet[(packet[0] & 15) * 4 :]
        to_slow = packet[16:20] == socket.inet_aton(_SLOW)
        if to_slow and segment[13] == _SYN:
            reply = _accepted(packet, segment)
            threading.Timer(ROUND_TRIP, os.write, (device, reply)).start()


def _accepted(packet: bytes, segment: bytes) -> bytes:
    source, target, number = struct.unpack("!HHI", segment[:8])
    here, there = packet[16:20], packet[12:16]

    def tcp(checksum: int) -> bytes:
        return struct.pack(
            "!HHIIBBHHH",
            *(target, source, 1, number + 1),
            *(5 << 4, _SYN_ACK, 65535, checksum, 0),
        )

    def ip(checksum: int) -> bytes:
        return struct.pack(
            "!BBHHHBBH4s4s",
            *(0x45, 0, 40, 0, 0, 64, socket.IPPROTO_TCP),
            *(checksum, here, there),
        )

    pseudo = here + there + struct.pack("!HH", socket.IPPROTO_TCP, 20)
    return ip(_sum(ip(0))) + tcp(_sum(pseudo + tcp(0)))


def _sum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


async def connect(blocking: bool) -> float:
    """Return how many seconds it takes to connect."""
    found: list[Any] = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, _PORT))
        for host in (_DEAD, _SLOW)
    ]
    # anyio's side asks first whether it is an address rather than a name.
    looked_up = mock.Mock(side_effect=[socket.gaierror(), found])
    if blocking:
        looked_up.side_effect = [found]
    start = time.monotonic()
    with mock.patch.object(socket, "getaddrinfo", looked_up):
        opened = connector(blocking=blocking)
        wait = until(time.monotonic, _MOST)
        stream = await opened("api.sesamy.test", _PORT, wait)
    took = time.monotonic() - start
    await stream.aclose()
    return took


def main(world: str) -> None:
    """Connect in a world, and print how long it took."""
    try:
        device = made()
    except OSError as error:
        sys.stdout.write(errno.errorcode.get(error.errno or 0, "no device"))
        return
    threading.Thread(target=answer, args=(device,), daemon=True).start()
    took = (
        drive(connect(blocking=True))
        if world == "blocking"
        else anyio.run(connect, False, backend=world)
    )
    sys.stdout.write(f"{took:.3f}")
    sys.stdout.flush()
    os._exit(0)  # The thread reads on.


if __name__ == "__main__":
    main(*sys.argv[1:])
