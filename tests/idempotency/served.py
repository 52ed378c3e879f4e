"""The rules that each store on a server must keep besides.

A back end takes them over by two fixtures, ``server`` and ``bench``, and says
how a store is created.
"""

from __future__ import annotations

import gc
import json
import socket
import subprocess
import sys
import time
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, closing
from functools import partial
from types import TracebackType
from typing import Any

import attrs
import pytest

from idempotency.bench import AHEAD, WITHIN, Bench, at_once, first, race
from idempotency.contract import OptimisticStoreContract, failure
from idempotency.faulty import FaultyWay
from sesamy_async import _links
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import (
    Holder,
    IdempotencyStore,
    OrderRecord,
    OrderState,
    RecordStore,
    StoreAnswer,
)
from support.servers import Postgres, Redis


CLAIMED, CREATED = OrderState.CLAIMED, OrderState.CREATED
CONFIRMED, REFUSED = OrderState.CONFIRMED, OrderState.REFUSED

Server = Postgres | Redis

_FORKING = """
import os, sys
from sesamy_async.idempotency import Holder, OrderKey, store_from_url
store = store_from_url(sys.argv[1])
def claim(name):
    for number in range(50):
        key = OrderKey(sys.argv[2], "shop", f"{name}-{number}")
        assert store.claim(key, Holder(token=name), within=20).done
claim("before")
child = os.fork()
claim("child" if child == 0 else "parent")
if child:
    _, status = os.waitpid(child, 0)
    claim("after")
    sys.exit(os.waitstatus_to_exitcode(status))
"""
_SLACK = 0.7


def shown(error: BaseException) -> str:
    """Return all that an error shows, to a log or to a debugger."""
    found = [repr(error), str(error), repr(error.__reduce__())]
    frame: TracebackType | None = error.__traceback__
    while frame is not None:
        if "sesamy_async" in frame.tb_frame.f_code.co_filename:
            found.append(repr(frame.tb_frame.f_locals))
        frame = frame.tb_next
    others = (error.__cause__, error.__context__)
    found += [shown(each) for each in others if each is not None]
    return "\n".join(found)


def unused_port() -> int:
    """Return a port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port


class _Steps:
    """What is done with one order, once or again."""

    def __init__(self, store: IdempotencyStore, bench: Bench) -> None:
        self.store = store
        self.key = bench.key()
        self.holder = bench.holder()

    def claim(self) -> StoreAnswer:
        return self.store.claim(self.key, self.holder, within=WITHIN)

    def first(self) -> StoreAnswer:
        return self.store.first(
            self.key,
            self.holder,
            "c-1",
            confirmed=False,
            shared=False,
            within=WITHIN,
        )

    def confirm(self) -> StoreAnswer:
        return self.store.mark(
            self.key,
            CONFIRMED,
            token=self.holder.token,
            contract_id="c-1",
            within=WITHIN,
        )


class ServedStoreContract(OptimisticStoreContract):
    """Rules of a store on a server."""

    @abstractmethod
    def make(self, url: str) -> RecordStore:
        """Return a store."""

    @abstractmethod
    def dump(self, server: Any) -> list[str]:
        """Return all that the server keeps, as text."""

    @abstractmethod
    def spoil(self, server: Any) -> None:
        """Make all orders such that nobody can read them."""

    @abstractmethod
    def connections(self, server: Any) -> int:
        """Return how many connections the server has."""

    @pytest.fixture
    def bench(self, server: Server) -> Iterator[Bench]:
        """Return two handles on one server."""
        with (
            closing(self.make(server.url)) as one,
            closing(self.make(server.url)) as other,
        ):
            yield Bench(one, other, time.sleep, short=0.1, url=server.url)

    @pytest.fixture
    def way(self, server: Server) -> Iterator[FaultyWay]:
        """Return a way to the server."""
        with FaultyWay(server.port) as way:
            yield way

    @pytest.fixture
    def store(self, server: Server, way: FaultyWay) -> Iterator[RecordStore]:
        """Return a store that has a connection by that way."""
        with closing(self.make(self.by(server, way.port))) as store:
            store.salt(within=WITHIN)
            yield store

    @staticmethod
    def by(server: Server, port: int) -> str:
        """Return a URL by which it is reached at another port."""
        return server.url.replace(f":{server.port}/", f":{port}/")

    def test_lets_four_processes_claim_at_once(self, bench: Bench) -> None:
        """Of processes that meet an empty server at once, one wins each."""
        assert bench.url is not None

        won = race(bench.url, bench.where, 40, processes=4)

        assert [*range(40)] == sorted(n for each in won for n in each)

    def test_is_made_by_whoever_comes_first(self, server: Server) -> None:
        """Many that meet an empty server at once make one store of it."""
        stores = [self.make(server.url) for _ in range(8)]

        salts = at_once(8, lambda at: stores[at].salt(within=WITHIN))

        for each in stores:
            each.close()
        assert 1 == len({*salts})

    def test_counts_a_claim_of_the_future_as_run_out(
        self, bench: Bench
    ) -> None:
        """The clock of the server was wrong, so nobody knows how long."""
        now = bench.claim(bench.key("o-2"), bench.holder()).at
        ahead = OrderRecord(
            key=bench.key(),
            state=CLAIMED,
            token="lost",
            claimed_at=now + AHEAD,
            expires_at=now + 2 * AHEAD,
        )
        bench.one.adopt([ahead], within=WITHIN)

        record = bench.claim(bench.key(), bench.holder())

        assert 1 == record.strays

    @pytest.mark.parametrize(
        ("number", "answer"), [(1, False), (1, True), (2, False), (2, True)]
    )
    @pytest.mark.parametrize("step", ["claim", "first", "confirm"])
    def test_can_repeat_a_step_that_was_broken_off(
        self,
        bench: Bench,
        way: FaultyWay,
        store: RecordStore,
        step: str,
        *,
        number: int,
        answer: bool,
    ) -> None:
        """A step that is repeated is as if it had been done once."""
        steps = _Steps(store, bench)
        order = ["claim", "first", "confirm"]
        for each in order[: order.index(step)]:
            assert getattr(steps, each)().done

        way.lose(number, answer=answer)
        error = failure(getattr(steps, step))
        repeated = getattr(steps, step)()

        assert error.retryable
        assert None is error.__cause__ is error.__context__
        assert "127.0.0.1" not in shown(error)
        assert repeated.done
        assert repeated.record == bench.found(bench.key())
        assert repeated.record is not None
        assert (CLAIMED, CREATED, CONFIRMED)[
            order.index(step)
        ] is repeated.record.state
        assert 0 == repeated.record.strays

    def test_goes_on_when_connections_were_ended(
        self, bench: Bench, server: Server
    ) -> None:
        """A connection that has died between two steps is replaced."""
        steps = _Steps(bench.one, bench)
        for each in (steps.claim, steps.first, steps.confirm):
            server.end_connections()

            assert each().done

    @pytest.mark.parametrize("kill", [False, True])
    def test_goes_on_when_the_server_was_restarted(
        self, bench: Bench, server: Server, kill: bool
    ) -> None:
        """What was acknowledged is there after a restart, and a kill."""
        made = bench.create(bench.key())

        (server.kill if kill else server.stop)()
        error = failure(lambda: bench.confirm(bench.key()))
        server.start()

        assert error.retryable
        assert made == bench.found(bench.key())
        assert _Steps(bench.one, bench).confirm().done

    def test_waits_for_a_connection_no_longer_than_it_may(
        self, store: RecordStore
    ) -> None:
        """Where all connections are in use, a method still ends in time."""
        taken: Any = store
        with ExitStack() as stack:
            for _ in range(_links._SIZE):
                stack.enter_context(taken._pool._places)
            error = failure(lambda: store.salt(within=0.05))

        assert "did not respond in time" in str(error)
        assert error.retryable
        assert 32 == len(store.salt(within=WITHIN))

    def test_replaces_what_was_silent_for_long(
        self,
        way: FaultyWay,
        store: RecordStore,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        """A connection that a firewall may have forgotten is not used."""
        counts = [way.count]
        for idle in (_links._IDLE, -1.0):
            monkeypatch.setattr(_links, "_IDLE", idle)
            store.salt(within=WITHIN)
            counts.append(way.count)

        assert [1, 1, 2] == counts

    @pytest.mark.parametrize("connected", [False, True])
    def test_gives_up_in_time(
        self,
        store: RecordStore,
        way: FaultyWay,
        bench: Bench,
        connected: bool,
    ) -> None:
        """A server that falls silent holds nobody up."""
        if not connected:
            store.close()
        way.fall_silent()
        began = time.monotonic()

        error = failure(
            lambda: store.claim(bench.key(), bench.holder(), within=0.3)
        )

        assert 0.3 <= time.monotonic() - began < 0.3 + _SLACK
        assert error.retryable

    def test_gives_up_on_a_frozen_server(self, server: Server) -> None:
        """A server that accepts connections but answers nothing is late."""
        with closing(self.make(server.url)) as store, server.frozen():
            began = time.monotonic()

            error = failure(lambda: store.salt(within=0.3))

        assert time.monotonic() - began < 0.3 + _SLACK
        assert error.retryable

    def test_waits_for_a_connection_only_so_long(
        self, store: RecordStore, way: FaultyWay
    ) -> None:
        """More threads than connections wait for one, but in time."""
        way.fall_silent()
        began = time.monotonic()

        errors = at_once(7, lambda _: failure(lambda: store.salt(within=0.3)))

        assert 7 == len(errors)
        assert time.monotonic() - began < 0.3 + 2 * _SLACK

    def test_has_no_time_for_nothing(self, bench: Bench) -> None:
        """Without any time left, nothing is done."""
        for within in (0.0, -1.0):
            error = failure(partial(bench.one.salt, within=within))

            assert error.retryable
        assert bench.one.salt(within=1e12)

    def test_leaves_no_connection_behind(self, server: Server) -> None:
        """A store that nobody holds any more closes its connections."""
        store = self.make(server.url)
        store.salt(within=WITHIN)
        before = self.connections(server)

        del store
        gc.collect()

        until = time.monotonic() + WITHIN
        while self.connections(server) >= before:
            assert time.monotonic() < until

    def test_has_own_connections_after_a_fork(self, bench: Bench) -> None:
        """A child leaves the connections of its parent alone."""
        assert bench.url is not None
        command = [sys.executable, "-c", _FORKING, bench.url, bench.where]

        subprocess.run(command, check=True, timeout=60)  # noqa: S603

        assert 4 * 50 == len(bench.entries())

    def test_takes_the_steps_of_one_order_in_turn(self, bench: Bench) -> None:
        """An order that comes twice in one go is written twice."""
        known = [
            OrderRecord(key=bench.key(), state=REFUSED, source=each)
            for each in ("a", "b")
        ]

        answers = bench.one.adopt(known, within=WITHIN)

        assert ["a", "b"] == [
            each.record.source for each in answers if each.record
        ]

    def test_asks_for_nothing_without_a_key(self, bench: Bench) -> None:
        """What asks for no order needs no server."""
        assert isinstance(bench.one, RecordStore)

        assert [] == bench.one.read([], within=0.0)
        assert [] == bench.one.write([], within=WITHIN)

    def test_purges_only_in_time(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A purge that takes too long says how far it came."""
        keys = [bench.key(f"o-{number}") for number in range(3)]
        known = [
            OrderRecord(key=each, state=CONFIRMED, at=1.0) for each in keys
        ]
        bench.one.adopt(known, within=WITHIN)
        monkeypatch.setattr(f"{type(bench.one).__module__}.BATCH", 1)

        error = failure(lambda: self._purge_late(bench, monkeypatch))

        assert "1 orders are removed" in str(error)
        assert error.retryable
        assert 2 == len(bench.entries())

    def test_shows_nothing_of_its_url(self, server: Server) -> None:
        """An error shows neither host, port, user nor password."""
        secrets = {server.password, server.password[4:], "127.0.0.1"}
        for url in self.broken(server):
            with closing(self.make(url)) as store:
                error = failure(partial(store.salt, within=2.0))

            text = shown(error)
            assert not {each for each in secrets if each in text}, text
            assert "somebody" not in text
            assert "nowhere" not in text
            assert None is error.__cause__ is error.__context__

    def test_shows_nothing_of_its_connection(
        self, bench: Bench, server: Server
    ) -> None:
        """Also while it has one, nothing shows where it leads."""
        bench.create(bench.key())
        store: Any = bench.one
        [[_, link]] = store._pool._idle
        opened = repr(link)
        self.spoil(server)

        error = failure(lambda: bench.confirm(bench.key()))

        text = f"{opened} {shown(error)}"
        assert "can't read" in text
        assert "a connection to" in text
        secrets = (server.password, "127.0.0.1", "host=", "user=")
        assert not [each for each in secrets if each in text]

    def broken(self, server: Server) -> list[str]:
        """Return URLs that lead to nothing that can be used."""
        _, _, rest = server.url.partition("@")
        scheme = server.url.partition(":")[0]
        secret = f"{scheme}://somebody:{server.password[4:]}@"
        return [
            f"{secret}{rest}",
            self.by(server, unused_port()),
            f"{secret}nowhere.invalid/0",
        ]

    def test_refuses_what_is_no_url(self, server: Server) -> None:
        """A URL that can't be read is told, but not shown."""
        scheme = server.url.partition(":")[0]
        url = f"{scheme}://us3r:s3cret@h/0?unknown=1&unheard=2"

        with pytest.raises(ConfigurationError) as caught:
            self.make(url)

        text = shown(caught.value)
        assert not {x for x in ("us3r", "s3cret", "unheard") if x in text}
        assert None is caught.value.__cause__ is caught.value.__context__

    def test_keeps_nothing_else_of_an_order(
        self, bench: Bench, server: Server
    ) -> None:
        """All that is kept is ids, digests, times, numbers, and a source."""
        holder = Holder(token="t0", digest="1:d0", source="s0", careful=True)
        bench.claim(bench.key(), holder)
        first(bench.one, bench.key(), holder, "c-1")

        text = "\n".join(self.dump(server))

        for each in (bench.where, "o-1", "c-1", "1:d0", "s0", "CREATED"):
            assert each in text
        names = {each.name for each in attrs.fields(OrderRecord)}
        assert self.fields(text) <= names - {"key", "extra", "read_at"}

    @staticmethod
    def fields(text: str) -> set[str]:
        """Return the names in what is kept of orders."""
        found: set[str] = set()
        for line in text.splitlines():
            start = line.find("{")
            if '"state"' in line:
                found |= json.loads(line[start : line.rindex("}") + 1]).keys()
        return found

    @staticmethod
    def _purge_late(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
        store: Any = bench.one
        purge = store._purge

        def slow(link: Any, older_than: float) -> int:
            count: int = purge(link, older_than)
            time.sleep(max(0.0, link.until - time.monotonic()))
            return count

        monkeypatch.setattr(store, "_purge", slow)
        store.purge(60.0, within=0.3)
