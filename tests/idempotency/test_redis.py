"""A store in a Redis keeps the rules of all stores."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import redis as driver
import trustme

from idempotency.bench import WITHIN, Bench
from idempotency.contract import failure
from idempotency.served import (
    CLAIMED,
    CONFIRMED,
    REFUSED,
    ServedStoreContract,
    unused_port,
)
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import RecordStore, RedisStore, StoreWarning
from support.servers import CARELESS, Redis


LASTING = {
    "appendonly": "no",
    "appendfsync": "everysec",
    "no-appendfsync-on-rewrite": "yes",
    "maxmemory-policy": "allkeys-lru",
}


def _client(server: Redis) -> Any:
    return driver.Redis.from_url(server.url, decode_responses=True)


@contextmanager
def _set(server: Redis, **settings: str) -> Iterator[None]:
    names = {each.replace("_", "-"): settings[each] for each in settings}
    with _client(server) as client:
        before = {each: client.config_get(each)[each] for each in names}
        for now in (names, before):
            for name, value in now.items():
                client.config_set(name, value)
            if now is names:
                yield


class TestRedisStore(ServedStoreContract):
    """A store in a Redis."""

    @pytest.fixture
    def server(self, redis: Redis) -> Redis:
        """Return an empty server."""
        return redis

    def make(self, url: str) -> RecordStore:
        """Return a store."""
        return RedisStore(url)

    def spoil(self, server: Redis) -> None:
        """Make all orders such that nobody can read them."""
        with _client(server) as client:
            for each in client.keys("*:order:*"):
                client.set(each, "{}")

    def connections(self, server: Redis) -> int:
        """Return how many connections the server has."""
        with _client(server) as client:
            return len(client.client_list())

    def dump(self, server: Redis) -> list[str]:
        """Return all names and values."""
        with _client(server) as client:
            found: list[str] = []
            for name in client.keys("*"):
                found.append(name)
                if client.type(name) == "string" and "salt" not in name:
                    found.append(client.get(name))
            return found

    @pytest.mark.parametrize("name", [*LASTING])
    def test_refuses_what_may_be_lost(self, server: Redis, name: str) -> None:
        """A Redis that loses what it has acknowledged is not taken."""
        with (
            _set(server, **{name: LASTING[name]}),
            closing(RedisStore(server.url)) as store,
        ):
            error = failure(lambda: store.salt(within=WITHIN))

        assert not error.retryable
        assert f"{name} " in str(error)
        assert "careless" in str(error)

    @pytest.mark.parametrize("by_url", [False, True])
    def test_takes_any_carelessly(self, server: Redis, by_url: bool) -> None:
        """Who does not care may say so."""
        with _client(server) as client:
            client.config_set(*(x for pair in CARELESS.items() for x in pair))
        url = f"{server.url}?careless=1" if by_url else server.url
        with closing(RedisStore(url, careless=not by_url)) as store:
            assert 32 == len(store.salt(within=WITHIN))

    @staticmethod
    def _guest(server: Redis, *rules: str) -> str:
        with _client(server) as client:
            client.execute_command(
                *("ACL", "SETUSER", "guest", "reset", "on", ">gu3st"),
                *("~{sesamy-orders}*", *rules),
            )
        return server.url.replace(
            f":{quote(server.password, safe='')}@", "guest:gu3st@"
        )

    def test_says_what_it_can_not_check(self, server: Redis) -> None:
        """A Redis that does not say how it is set is warned of."""
        rules = (
            "+eval +get +mget +set +del +exists +time +zadd +zrem"
            " +zrangebylex +zrangebyscore +select"
        )
        url = self._guest(server, *rules.split())
        with closing(RedisStore(url)) as store:
            bench = Bench(store, store, time.sleep, short=0.1)
            with pytest.warns(StoreWarning, match="appendfsync always"):
                bench.confirm(bench.key())

            assert [CONFIRMED] == [each.state for each in bench.entries()]
            bench.pass_by()
            assert 1 == store.purge(0.1, within=WITHIN)

    def test_says_which_rights_it_lacks(self, server: Redis) -> None:
        """A user who may not do what is needed learns where to look."""
        url = self._guest(server, "+role", "+config|get", "+set", "+select")
        with closing(RedisStore(url)) as store:
            error = failure(lambda: store.salt(within=WITHIN))

        assert not error.retryable
        assert "NoPermissionError" in str(error)
        assert "rights" in str(error)

    def test_refuses_a_replica(self, bench: Bench, server: Redis) -> None:
        """A replica is behind the server that it follows."""
        bench.one.salt(within=WITHIN)
        with _client(server) as client:
            client.replicaof("127.0.0.1", str(unused_port()))
            errors = [
                failure(lambda: bench.claim(bench.key(), bench.holder())),
                failure(lambda: bench.found(bench.key())),
            ]
            client.replicaof("NO", "ONE")

        for each in errors:
            assert not each.retryable
            assert "replica" in str(each)

    @pytest.mark.parametrize(
        ("name", "value", "said"),
        [
            ("maxmemory", "1", "maxmemory"),
            ("min-replicas-to-write", "1", "replicas"),
        ],
    )
    def test_says_when_it_can_not_write(
        self, bench: Bench, server: Redis, name: str, value: str, said: str
    ) -> None:
        """A Redis that takes nothing for now may be asked again."""
        bench.one.salt(within=WITHIN)
        with _set(server, **{name: value}):
            error = failure(lambda: bench.claim(bench.key(), bench.holder()))

        assert error.retryable
        assert said in str(error)
        record = bench.claim(bench.key(), bench.holder())
        assert record == bench.found(bench.key())

    def test_refuses_a_cluster(self) -> None:
        """A cluster may lose what it has acknowledged."""
        settings = {
            "cluster-enabled": "yes",
            "cluster-port": str(unused_port()),
        }
        with (
            Redis(settings=settings) as server,
            closing(RedisStore(server.url)) as store,
        ):
            error = failure(lambda: store.salt(within=WITHIN))

        assert not error.retryable
        assert "cluster" in str(error)

    def test_says_what_it_does_not_know(
        self, bench: Bench, server: Redis
    ) -> None:
        """Of what others have put there, only the kind of error is shown."""
        with _client(server) as client:
            client.set("{sesamy-orders}:index", "mine")

        error = failure(lambda: bench.claim(bench.key(), bench.holder()))

        assert "ResponseError" in str(error)

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [("%40", "", "password"), ("/0", "/99", "database")],
    )
    def test_says_what_is_wrong_with_the_url(
        self, server: Redis, old: str, new: str, said: str
    ) -> None:
        """Who is not let in learns what to look at."""
        url = server.url
        with closing(
            RedisStore(
                url[: url.rindex(old)]
                + new
                + url[url.rindex(old) + len(old) :]
            )
        ) as store:
            error = failure(lambda: store.salt(within=WITHIN))

        assert not error.retryable
        assert said in str(error)

    def test_lets_nothing_expire(self, bench: Bench, server: Redis) -> None:
        """Nothing that is kept goes by itself."""
        bench.confirm(bench.key())

        with _client(server) as client:
            assert {-1} == {client.ttl(each) for each in client.keys("*")}

    def test_leaves_nothing_of_what_it_purges(
        self, bench: Bench, server: Redis
    ) -> None:
        """Of an order that was purged nothing is kept."""
        bench.one.salt(within=WITHIN)
        with _client(server) as client:
            before = client.keys()
            bench.confirm(bench.key())
            bench.pass_by()

            bench.one.purge(bench.short, within=WITHIN)

            assert before == client.keys()

    def test_purges_nothing_that_is_claimed_meanwhile(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An order that was refused may be sent again at that moment."""
        key, store = bench.key(), bench.one
        assert isinstance(store, RedisStore)
        bench.end(key, REFUSED)
        bench.pass_by()
        see = store._see

        def claimed(*given: Any) -> Any:
            monkeypatch.setattr(store, "_see", see)
            bench.other.claim(key, bench.holder(), within=WITHIN)
            return see(*given)

        monkeypatch.setattr(store, "_see", claimed)
        count = store.purge(bench.short, within=WITHIN)

        found = bench.found(key)
        assert 0 == count
        assert found is not None
        assert CLAIMED is found.state

    def test_reaches_it_by_a_socket(self, tmp_path: Path) -> None:
        """It connects by a socket of the system."""
        path = tmp_path / "redis.sock"
        with Redis(settings={"unixsocket": str(path)}) as server:
            password = quote(server.password, safe="")
            with closing(RedisStore(f"unix://:{password}@{path}")) as store:
                assert 32 == len(store.salt(within=WITHIN))

    def test_speaks_tls(self) -> None:
        """It connects over TLS, to a server that is the right one."""
        with Redis(tls=True) as server:
            with closing(RedisStore(server.url)) as store:
                bench = Bench(store, store, time.sleep)
                record = bench.confirm(bench.key())
                assert CONFIRMED is record.state
            trustme.CA().cert_pem.write_to_path(
                str(server.folder / "authorities.pem")
            )
            with closing(RedisStore(server.url)) as store:
                error = failure(lambda: store.salt(within=WITHIN))

        assert not error.retryable
        assert "ssl_ca_certs" in str(error)

    @pytest.mark.parametrize(
        "url", ["http://h", "redis://h:p/0", "redis://h?db=x"]
    )
    def test_refuses_other_urls(self, url: str) -> None:
        """What names no Redis is told at once."""
        with pytest.raises(ConfigurationError, match="redis://"):
            RedisStore(url)

    def test_reads_answers_in_its_own_way(self, server: Redis) -> None:
        """What a URL says of how to read answers is of no use here."""
        more = "decode_responses=true&protocol=3&health_check_interval=1"
        with closing(RedisStore(f"{server.url}?{more}")) as store:
            assert 32 == len(store.salt(within=WITHIN))


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its driver, it says which extra is missing."""
    monkeypatch.setitem(sys.modules, "redis", None)
    name = "sesamy_async.idempotency._redis"
    for each in (name, "sesamy_async.redis._link"):
        monkeypatch.delitem(sys.modules, each)

    with pytest.raises(ConfigurationError, match=r"sesamy-async\[redis\]"):
        import_module(name)
