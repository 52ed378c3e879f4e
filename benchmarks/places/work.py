"""What a store has to do for an order, and how many orders it takes."""

from __future__ import annotations

import multiprocessing
import socket
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import partial
from multiprocessing.pool import Pool
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlsplit

import attrs
import psycopg
import redis

from benchmarks.pairing import Matched, orders
from sesamy_async import RateLimit
from sesamy_async.idempotency import MemoryStore, store_from_url
from sesamy_async.redis import RedisPacer

from .processes import family, used
from .stores import (
    Postgres,
    Redis,
    Store,
    pace_request,
    report_order,
)


_SEED = 20261129
_THREADS = 4
_ANY_PACE = RateLimit(requests=1e9, burst=1e6)


# How many ------------------------------------------------------------------


def throughput(
    found: Mapping[str, Store],
    processes: tuple[int, ...],
    rounds: int,
    seconds: float,
    lead: float,
) -> dict[str, Matched]:
    """Return orders a second, and ms of processors an order.

    Each process has as many threads as a client has connections.  Of a pace,
    it is requests instead of orders.

    Args:
        found: The stores, or paces.
        processes: How many at once, for each measurement.
        rounds: How many measurements.
        seconds: Of each.
        lead: Seconds for all of them to connect.
    """
    rates: Matched = defaultdict(list)
    clients: Matched = defaultdict(list)
    server: Matched = defaultdict(list)
    context = multiprocessing.get_context("spawn")
    turns = [f"{name}, {n}" for name in found for n in processes]
    with context.Pool(max(processes)) as pool:
        # All are there before anything is measured.
        _crowd(pool, next(iter(found.values())), max(processes), (lead, 0.1))
        for turn in orders(turns, rounds, _SEED):
            for each in turn:
                name, _, n = each.partition(", ")
                store = found[name]
                crowd = _crowd(pool, store, int(n), (lead, seconds))
                rates[each].append(crowd.orders / seconds)
                clients[each].append(1_000 * crowd.clients / crowd.orders)
                server[each].append(1_000 * crowd.server / crowd.orders)
    return {"rates": rates, "clients": clients, "server": server}


@attrs.frozen
class _Crowd:
    """What some processes did.

    Attributes:
        orders: How many they told a store.
        clients: Seconds of processors that they used for that.
        server: Seconds of processors that the server used.
    """

    orders: int
    clients: float
    server: float


def _crowd(
    pool: Pool, store: Store, processes: int, times: tuple[float, float]
) -> _Crowd:
    """Let so many processes tell orders to a store at once."""
    lead, seconds = times
    start = time.monotonic() + lead
    tasks = [(store.url, store.pace, start, start + seconds)] * processes
    done = pool.starmap_async(_work, tasks, chunksize=1)
    _sleep_until(start)
    before = _processor_time(store)
    _sleep_until(start + seconds)
    spent = _processor_time(store) - before
    counts, used = zip(*done.get(), strict=True)
    return _Crowd(sum(counts), sum(used), spent)


def _sleep_until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))


def _work(url: str, pace: str, start: float, end: float) -> tuple[int, float]:
    with _paced(pace) if pace else _stored(url) as report:

        def work() -> int:
            report()  # So that it is connected.
            _sleep_until(start)
            done = 0
            while time.monotonic() < end:
                report()
                done += 1
            return done

        with ThreadPoolExecutor(_THREADS) as threads:
            jobs = [threads.submit(work) for _ in range(_THREADS)]
            _sleep_until(start)
            before = time.process_time()
            done = sum(job.result() for job in jobs)
            return done, time.process_time() - before


@contextmanager
def _stored(url: str) -> Iterator[Callable[[], object]]:
    with closing(store_from_url(url)) as store:
        yield partial(report_order, store)


@contextmanager
def _paced(url: str) -> Iterator[Callable[[], object]]:
    with closing(RedisPacer(url, _ANY_PACE)) as pacer:
        yield partial(pace_request, pacer)


def _processor_time(store: Store) -> float:
    """Return what a server has used, in seconds."""
    return used(family(store.server.pid)) if store.server else 0.0


# How much ------------------------------------------------------------------


@attrs.define
class Traffic:
    """What goes between a client and a server.

    Attributes:
        port: Where to connect to.
        questions: How often something was sent to the server.
        sent: Bytes to it.
        received: Bytes from it.
    """

    port: int = 0
    questions: int = 0
    sent: int = 0
    received: int = 0
    _lock: Lock = attrs.field(factory=Lock, init=False)

    def count(self, data: bytes, *, to_server: bool) -> None:
        """Count what was passed on."""
        with self._lock:
            if to_server:
                self.questions += 1
                self.sent += len(data)
            else:
                self.received += len(data)


@contextmanager
def _counted(port: int) -> Iterator[Traffic]:
    """Pass on what goes to a server, and count it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        traffic = Traffic(listener.getsockname()[1])

        def accept() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    server = socket.create_connection(("127.0.0.1", port))
                    for pair in ((client, server), (server, client)):
                        to_server = pair[0] is client
                        Thread(
                            target=_pass_on,
                            args=(*pair, traffic, to_server),
                            daemon=True,
                        ).start()

        Thread(target=accept, daemon=True).start()
        try:
            yield traffic
        finally:
            listener.shutdown(socket.SHUT_RDWR)


def _pass_on(
    source: socket.socket,
    sink: socket.socket,
    traffic: Traffic,
    to_server: bool,  # noqa: FBT001 - positional for a thread
) -> None:
    with suppress(OSError):
        while data := source.recv(65_536):
            traffic.count(data, to_server=to_server)
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


def per_order(store: Store, count: int) -> dict[str, float]:
    """Return what one order means to a store, on average."""
    if store.server is None:
        return _written(store, count)
    host = urlsplit(store.url).netloc
    with _counted(store.server.port) as traffic:
        through = host.rpartition(":")[0] + f":{traffic.port}"
        with closing(
            store_from_url(store.url.replace(host, through))
        ) as opened:
            report_order(opened)
            before = attrs.asdict(traffic, filter=_is_public)
            disk = _disk(store)
            for _ in range(count):
                report_order(opened)
            after = attrs.asdict(traffic, filter=_is_public)
            written = _disk(store)
    return {
        name: (after[name] - before[name]) / count
        for name in ("questions", "sent", "received")
    } | {name: (written[name] - disk[name]) / count for name in disk}


def _is_public(attribute: attrs.Attribute[Any], _: Any) -> bool:
    return not attribute.name.startswith("_")


def _written(store: Store, count: int) -> dict[str, float]:
    with closing(store_from_url(store.url)) as opened:
        report_order(opened)
        before = _own_writes()
        for _ in range(count):
            report_order(opened)
        return {"written": (_own_writes() - before) / count}


def _own_writes() -> int:
    lines = Path("/proc/self/io").read_text("ascii").split("\n")
    return int(lines[1].removeprefix("wchar: "))


def _disk(store: Store) -> dict[str, float]:
    """Return what a server has written to its log, and how often for good."""
    if isinstance(store.server, Postgres):
        with psycopg.connect(store.server.admin_url) as db:
            [written, flushed] = db.execute(
                "SELECT pg_current_wal_lsn() - '0/0', sum(fsyncs)"
                " FROM pg_stat_io WHERE object = 'wal'"
            ).fetchone() or (0, 0)
        return {"written": float(written), "flushes": float(flushed)}
    assert isinstance(store.server, Redis)
    with redis.Redis.from_url(store.url) as db:
        size = db.info("persistence")["aof_current_size"]
    return {"written": float(size)}


# How large -----------------------------------------------------------------


def sizes(store: Store, counts: tuple[int, ...]) -> list[dict[str, float]]:
    """Return the bytes of a store that knows so many orders.

    The store is filled up; what was in it before counts as the first size.
    """
    found = [{"orders": 0.0, **_size(store)}]
    with closing(store_from_url(store.url)) as opened:
        so_far = 0
        for count in counts:
            with ThreadPoolExecutor(_THREADS) as threads:
                # As a list, so that none fails unseen.
                list(threads.map(report_order, [opened] * (count - so_far)))
            so_far = count
            if store.file:
                opened.close()
            found.append({"orders": float(count), **_size(store)})
    return found


def _size(store: Store) -> dict[str, float]:
    if store.file:
        files = store.file.parent.glob(f"{store.file.name}*")
        return {"disk": float(sum(each.stat().st_size for each in files))}
    if isinstance(store.server, Postgres):
        with psycopg.connect(store.server.admin_url, autocommit=True) as db:
            db.execute("VACUUM")
            [size] = db.execute(
                "SELECT coalesce(sum(pg_total_relation_size(oid)), 0)"
                " FROM pg_class WHERE relkind = 'r'"
                " AND relname LIKE 'sesamy_orders%'"
            ).fetchone() or (0,)
        return {"disk": float(size)}
    assert isinstance(store.server, Redis)
    with redis.Redis.from_url(store.url) as db:
        return {
            "memory": float(db.info("memory")["used_memory"]),
            "disk": float(db.info("persistence")["aof_current_size"]),
        }


def memory_of_an_order(count: int) -> float:
    """Return the bytes that a `MemoryStore` takes for an order.

    In a fresh process: it would fill up what others have freed.
    """
    store = MemoryStore()
    before = _resident()
    for _ in range(count):
        report_order(store)
    return (_resident() - before) / count


def _resident() -> int:
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    [line] = [line for line in lines if line.startswith("VmRSS:")]
    return 1_024 * int(line.split()[1])
