"""One token in a Redis, for all hosts."""

from __future__ import annotations

import gc
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import import_module
from typing import Any
from urllib.parse import quote

import pytest
import redis as driver

from sesamy_async import Secret
from sesamy_async.auth import (
    SharedTokenStore,
    StoredToken,
    TokenStoreWarning,
)
from sesamy_async.errors import ConfigurationError, SesamyError
from sesamy_async.redis import RedisTokenStore
from sesamy_async.sandbox import Fault, Sandbox
from sesamy_async.testing import use_runtime
from support.cold_hosts import cold_hosts
from support.leaks import told_by
from support.servers import Redis


KEY = "0a1b"
CANARY = "canary-t0ken"
LEAD = 20.0
PATIENCE = 30.0
PREFIX = "{sesamy-token}:default:"


def token(value: str = CANARY, life: float = 3600.0) -> StoredToken:
    """Return a token that lives so long from now."""
    return StoredToken(value, time.time() + life, "a b")


@pytest.fixture
def store(redis: Redis) -> Iterator[RedisTokenStore]:
    """Return a store in an empty Redis."""
    with closing(RedisTokenStore(redis.url)) as opened:
        yield opened


@pytest.fixture
def client(redis: Redis) -> Iterator[Any]:
    """Return a client of that Redis."""
    with driver.Redis.from_url(redis.url, decode_responses=True) as opened:
        yield opened


def test_it_is_a_store_that_processes_share(store: RedisTokenStore) -> None:
    """Clients see that by its methods."""
    assert isinstance(store, SharedTokenStore)


def test_another_process_loads_what_is_saved(
    store: RedisTokenStore, redis: Redis
) -> None:
    """Value, scope and end are the same."""
    saved = token()
    store.save(KEY, saved)
    with closing(RedisTokenStore(redis.url)) as other:
        loaded = other.load(KEY)

    assert loaded is not None
    assert (saved.value, saved.scope) == (loaded.value, loaded.scope)
    assert saved.expires_at == pytest.approx(loaded.expires_at, abs=1.0)


def test_names_separate(store: RedisTokenStore, redis: Redis) -> None:
    """Stores of other names do not see the token, nor who leads."""
    store.save(KEY, token())
    store.lead(KEY, "a", LEAD)
    with closing(RedisTokenStore(redis.url, name="other")) as other:
        assert other.load(KEY) is None
        assert other.lead(KEY, "b", LEAD)


def test_a_token_goes_when_it_ends(
    store: RedisTokenStore, client: Any
) -> None:
    """The server lets it go, by its own clock."""
    for life, most in [(60.0, 60.0), (1e12, 30 * 86_400.0), (-1.0, 0.001)]:
        store.save(KEY, token(life=life))
        assert most - 10 < client.pttl(PREFIX + KEY) / 1000 <= most
    time.sleep(0.01)

    assert store.load(KEY) is None


def test_the_clocks_of_hosts_may_differ(redis: Redis) -> None:
    """What is stored is how long a token lives, not when it ends."""
    ends: list[float] = []
    for ahead in (0.0, 5000.0):
        with (
            use_runtime() as passing,
            closing(RedisTokenStore(redis.url)) as store,
        ):
            passing.move(ahead)
            if not ahead:
                store.save(KEY, token())
            loaded = store.load(KEY)
            assert loaded is not None
            ends.append(loaded.expires_at - ahead)

    assert ends[0] == pytest.approx(ends[1], abs=5.0)


@pytest.mark.parametrize(
    "text", ["", "[", "[]", "\udcff", "{}", '{"value": 1}', '{"value": "a"']
)
def test_what_can_not_be_read_is_no_token(
    store: RedisTokenStore, client: Any, text: str
) -> None:
    """Something else has written it; the next save replaces it."""
    raw = text.encode(errors="surrogateescape")
    client.set(PREFIX + KEY, raw, ex=60)
    assert store.load(KEY) is None
    store.save(KEY, token())

    assert store.load(KEY) is not None


def test_a_scope_that_is_no_text_is_no_token(
    store: RedisTokenStore, client: Any
) -> None:
    """Nothing of it is used."""
    client.set(PREFIX + KEY, '{"value": "a", "scope": 1}', ex=60)

    assert store.load(KEY) is None


def test_only_the_rejected_token_is_removed(store: RedisTokenStore) -> None:
    """A newer one of another host stays."""
    store.save(KEY, token("new"))
    store.reject(KEY, Secret("old"))
    kept = store.load(KEY)
    store.reject(KEY, Secret("new"))
    store.reject(KEY, Secret("new"))

    assert kept is not None
    assert store.load(KEY) is None


def test_a_token_is_not_removed_for_the_one_before(
    store: RedisTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if it is saved while the one before is rejected."""
    store.save(KEY, token("old"))
    read = store._read

    def late(key: str) -> Any:
        found = read(key)
        store.save(KEY, token("new"))
        return found

    monkeypatch.setattr(store, "_read", late)
    store.reject(KEY, Secret("old"))
    monkeypatch.undo()
    kept = store.load(KEY)

    assert kept is not None
    assert Secret("new") == kept.value


def test_a_token_can_be_discarded(store: RedisTokenStore) -> None:
    """Whichever it is."""
    store.save(KEY, token())
    store.discard(KEY)
    store.discard(KEY)

    assert store.load(KEY) is None


def test_one_leads(store: RedisTokenStore) -> None:
    """Until it lets another one lead; it may ask again."""
    first = [store.lead(KEY, each, LEAD) for each in ("a", "a", "b")]
    store.release(KEY, "b", failed=True)
    store.release(KEY, "b", failed=False)
    second = store.lead(KEY, "b", LEAD)
    store.release(KEY, "a", failed=False)
    third = [store.lead(KEY, each, LEAD) for each in ("b", "a")]

    assert ([True, True, False], False, [True, False]) == (
        first,
        second,
        third,
    )


def test_many_at_once_have_one_leader(store: RedisTokenStore) -> None:
    """Of threads on several connections, one leads."""
    with ThreadPoolExecutor(8) as pool:
        leads = pool.map(lambda n: store.lead(KEY, f"{n}", LEAD), range(40))

        assert 1 == sum(leads)


def test_all_lead_when_a_leader_has_failed(
    store: RedisTokenStore, client: Any
) -> None:
    """For a while, nobody waits for anybody."""
    store.lead(KEY, "a", LEAD)
    store.release(KEY, "a", failed=True)
    leads = [store.lead(KEY, each, LEAD) for each in ("b", "c")]
    store.release(KEY, "b", failed=False)
    leads.append(store.lead(KEY, "c", LEAD))
    life = client.pttl(f"{PREFIX}{KEY}:lead")
    client.delete(f"{PREFIX}{KEY}:lead")

    assert [True] * 3 == leads
    assert 0 < life <= 5000
    assert store.lead(KEY, "d", LEAD)
    assert not store.lead(KEY, "e", LEAD)


def test_a_lead_ends(store: RedisTokenStore) -> None:
    """A leader that was killed is replaced."""
    store.lead(KEY, "a", 0.05)
    until = time.monotonic() + PATIENCE
    while not store.lead(KEY, "b", LEAD):
        assert time.monotonic() < until

    assert not store.lead(KEY, "a", LEAD)


def test_nothing_stays(store: RedisTokenStore, client: Any) -> None:
    """Each key has an end."""
    store.save(KEY, token())
    store.lead(KEY, "a", LEAD)
    lives = [client.ttl(each) for each in client.keys("*")]

    assert 2 == len(lives)
    assert -1 not in lives


def used(store: RedisTokenStore) -> tuple[object, ...]:
    """Use all methods of a store."""
    store.save(KEY, token())
    store.discard(KEY)
    store.reject(KEY, Secret(CANARY))
    store.release(KEY, "a", failed=False)
    return store.load(KEY), store.lead(KEY, "a", LEAD)


def test_while_it_is_away_each_host_has_its_own_token(redis: Redis) -> None:
    """One warning says so; after a pause the Redis is asked again."""
    with (
        use_runtime() as passing,
        closing(RedisTokenStore(redis.url)) as store,
    ):
        redis.stop()
        told: list[list[str]] = []
        for seconds in (0.0, 9.0, 2.0):
            passing.move(seconds)
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                assert (None, True) == used(store)
            told.append([str(each.message) for each in caught])
        redis.start()
        passing.move(11.0)
        store.lead(KEY, "a", LEAD)

        assert [1, 0, 1] == [len(each) for each in told]
        assert not store.lead(KEY, "b", LEAD)
    assert "can't be used: the connection failed. Check" in told[0][0]
    assert "tried again after 10 s" in told[0][0]
    assert "Outcome" not in told[0][0]
    assert quote(redis.password, safe="") not in told[0][0]


def test_threads_that_find_it_away_warn_once(
    store: RedisTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All asked before the first of them knew."""
    together = threading.Barrier(4)

    def fail(*_: object) -> None:
        together.wait(PATIENCE)
        raise OSError

    monkeypatch.setattr(store._pool, "_ask", fail)
    with (
        warnings.catch_warnings(record=True) as caught,
        ThreadPoolExecutor(4) as pool,
    ):
        warnings.simplefilter("always")
        found = [*pool.map(store.load, [KEY] * 4)]

    assert [None] * 4 == found
    assert 1 == len(caught)


def test_a_frozen_redis_holds_nobody_up(
    redis: Redis, store: RedisTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is given up in time, and not asked again for a while."""
    monkeypatch.setattr("sesamy_async.redis._tokens._WITHIN", 0.5)
    begin = time.monotonic()
    with redis.frozen():
        with pytest.warns(TokenStoreWarning, match="in time"):
            found = used(store)
        seconds = time.monotonic() - begin

    assert (None, True) == found
    assert seconds < 5 * 0.5  # It has six methods.


def test_it_says_which_rights_it_lacks(redis: Redis, client: Any) -> None:
    """A few rights are enough; without one of them it says so."""
    grant = "+eval +get +set +del +pttl"
    client.execute_command(
        *("ACL", "SETUSER", "guest", "reset", "on", ">gu3st"),
        *("~{sesamy-token}*", *grant.split()),
    )
    mine = f":{quote(redis.password, safe='')}@"
    url = redis.url.replace(mine, "guest:gu3st@")
    with closing(RedisTokenStore(url)) as store:
        store.save(KEY, token())
        found = store.load(KEY), store.lead(KEY, "a", LEAD)
        store.release(KEY, "a", failed=True)
        store.reject(KEY, Secret(CANARY))
        client.execute_command("ACL", "SETUSER", "guest", "-eval")
        with pytest.warns(TokenStoreWarning, match="user, rights and"):
            store.load(KEY)

    assert found[0] is not None
    assert found[1]


def test_nothing_of_a_token_is_shown(redis: Redis) -> None:
    """Nor of the URL, not even if warnings are errors."""
    shown: list[str] = []
    with closing(RedisTokenStore(redis.url, name="shop")) as store:
        store.save(KEY, token())
        shown.append(f"{store!r} {vars(store)!r}")
        redis.stop()
        for act in ("save", "load", "discard", "reject"):
            store._away_until = 0.0
            given: dict[str, list[Any]] = {
                "save": [token()],
                "reject": [Secret(CANARY)],
            }
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                with pytest.raises(TokenStoreWarning) as caught:
                    getattr(store, act)(KEY, *given.get(act, []))
            shown.append(told_by(caught.value))

    assert "RedisTokenStore(name='shop')" in shown[0]
    for text in shown:
        assert CANARY not in text
        assert redis.password not in text
        assert quote(redis.password, safe="") not in text


def test_it_closes_its_connections(
    redis: Redis, store: RedisTokenStore, client: Any
) -> None:
    """Those of one that is closed, and of one that nobody holds."""
    store.load(KEY)
    other = RedisTokenStore(redis.url)
    other.load(KEY)
    before = len(client.client_list())
    store.close()
    del other
    gc.collect()
    until = time.monotonic() + PATIENCE
    while len(client.client_list()) > before - 2:
        assert time.monotonic() < until

    assert store.load(KEY) is None


def connection_of(store: RedisTokenStore) -> int:
    """Return the server's number of the connection that is used."""
    return int(store._ask("CLIENT", "ID"))


def test_a_child_has_its_own_connections(store: RedisTokenStore) -> None:
    """Those of its parent are not used by both."""
    before = connection_of(store)
    same = connection_of(store)
    store.after_fork()

    assert before == same != connection_of(store)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_fork_is_noticed(store: RedisTokenStore) -> None:
    """A child that has a store of its parent uses its own connections."""
    before = connection_of(store)
    child = os.fork()
    if not child:  # pragma: no cover - another process
        os._exit(connection_of(store) == before)
    _, status = os.waitpid(child, 0)

    assert 0 == status
    assert before == connection_of(store)


def test_a_rejected_token_is_not_shown(
    store: RedisTokenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even if the Redis fails between the read and the removal."""
    store.save(KEY, token())
    ask = store._pool.ask

    def once(*given: Any) -> Any:
        monkeypatch.setattr(store._pool, "ask", fail)
        return ask(*given)

    def fail(*_: Any) -> None:
        raise SesamyError("It is away")

    monkeypatch.setattr(store._pool, "ask", once)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(TokenStoreWarning) as caught:
            store.reject(KEY, Secret(CANARY))

    assert CANARY not in told_by(caught.value)


@pytest.mark.parametrize("url", ["", "http://h", "redis://h:p/0"])
def test_other_urls_are_refused(url: str) -> None:
    """What names no Redis is told at once."""
    with pytest.raises(
        ConfigurationError, match=r"of RedisTokenStore: .*redis://"
    ):
        RedisTokenStore(url)


@pytest.mark.parametrize("name", ["", "x" * 101, None])
def test_a_name_is_needed(name: Any) -> None:
    """It has 1 to 100 characters."""
    with pytest.raises(ConfigurationError, match="name must be"):
        RedisTokenStore("redis://127.0.0.1", name=name)


def test_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its driver, it says which extra is missing."""
    monkeypatch.setitem(sys.modules, "redis", None)
    for name in ("_tokens", "_link"):
        monkeypatch.delitem(sys.modules, f"sesamy_async.redis.{name}")

    with pytest.raises(ConfigurationError, match=r"sesamy-async\[redis\]"):
        import_module("sesamy_async.redis._tokens")


def test_a_host_that_is_killed_while_it_leads_is_replaced(
    redis: Redis,
) -> None:
    """The others wait until its lead ends; then one requests a token."""
    sandbox = Sandbox()
    sandbox.faults.add(Fault.delay(PATIENCE), on="token")
    with cold_hosts(sandbox, redis.url, 4, lead=1.0) as hosts:
        hosts.begin(1)
        until = time.monotonic() + PATIENCE
        while sandbox.faults.pending:
            assert time.monotonic() < until
            time.sleep(0.005)
        os.kill(hosts.pids[0], signal.SIGKILL)
        hosts.begin(-3)

        assert 3 == hosts.sent(3)
    assert sandbox.ledger.requests("token", 200) in {1, 2}
