"""The servers that the other tests use do what those rely on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
from redis import AuthenticationError, WatchError
from redis import Redis as RedisClient
from redis.backoff import NoBackoff
from redis.retry import Retry

from support.servers import CARELESS, Postgres, Redis


_OWNER = """
import sys
from support.servers import Postgres, Redis

with Postgres() as postgres, Redis() as redis:
    for server in (postgres, redis):
        print(server.pid, server.folder, flush=True)
    sys.stdin.read()
"""
_PATIENCE = 20.0
# Else a wrong password is tried for seconds.
_ONCE = Retry(NoBackoff(), 0)


def _count(url: str) -> int:
    with psycopg.connect(url) as client:
        row = client.execute("SELECT count(*) FROM orders").fetchone()
    assert row
    found: int = row[0]
    return found


def test_what_a_postgres_acknowledged_survives_a_kill(
    postgres: Postgres,
) -> None:
    """What was committed is there after a kill, and after a restart."""
    with psycopg.connect(postgres.url) as client:
        client.execute("CREATE TABLE orders (id text)")
        client.execute("INSERT INTO orders VALUES ('18')")
        client.commit()
        client.execute("INSERT INTO orders VALUES ('not committed')")
        postgres.kill()
        with pytest.raises(psycopg.OperationalError):
            client.commit()
    postgres.start()

    assert 1 == _count(postgres.url)

    postgres.restart()

    assert 1 == _count(postgres.url)


def test_what_a_redis_acknowledged_survives_a_kill(redis: Redis) -> None:
    """What was set is there after a kill, and after a restart."""
    with RedisClient.from_url(redis.url) as client:
        client.set("order", "18")
        redis.kill()
        redis.start()

        assert b"18" == client.get("order")

        redis.restart()

        assert b"18" == client.get("order")


def test_a_careless_redis_forgets() -> None:
    """One that is set so loses what it had acknowledged."""
    with (
        Redis(settings=CARELESS) as redis,
        RedisClient.from_url(redis.url) as client,
    ):
        client.set("order", "18")
        redis.kill()
        redis.start()

        assert client.get("order") is None


def test_a_postgres_ends_connections(postgres: Postgres) -> None:
    """A client whose connection is ended sees an error."""
    with psycopg.connect(postgres.url) as client:
        postgres.end_connections()

        with pytest.raises(psycopg.errors.AdminShutdown):
            client.execute("SELECT 1")


def test_a_redis_ends_connections(redis: Redis) -> None:
    """A client whose connection is ended sees an error."""
    with RedisClient.from_url(redis.url) as client:
        pipe = client.pipeline()
        # Else the client connects again, and says nothing.
        pipe.watch("order")
        redis.end_connections()

        with pytest.raises(WatchError, match="ConnectionError"):
            pipe.get("order")


def test_each_test_has_an_empty_server(
    postgres: Postgres, redis: Redis
) -> None:
    """Nothing of an earlier test is left, its settings included."""
    with psycopg.connect(postgres.url, autocommit=True) as client:
        client.execute("CREATE SCHEMA more CREATE TABLE orders (id text)")
        client.execute("ALTER DATABASE shop SET synchronous_commit = off")
    postgres.fresh()
    with RedisClient.from_url(redis.url) as other:
        other.set("order", "18")
        other.config_set("maxmemory-policy", "allkeys-lru")
    redis.fresh()

    with psycopg.connect(postgres.url) as client:
        client.execute("CREATE SCHEMA more CREATE TABLE orders (id text)")
        on = client.execute("SHOW synchronous_commit").fetchone()
        fsync = client.execute("SHOW fsync").fetchone()
    with RedisClient.from_url(redis.url) as other:
        policy = other.config_get("maxmemory-policy")

        assert 0 == other.dbsize()
    assert (("on",), ("on",)) == (on, fsync)
    assert {"maxmemory-policy": "noeviction"} == policy


def test_only_who_knows_the_password_comes_in(
    postgres: Postgres, redis: Redis
) -> None:
    """Both ask for a password, and want the right one."""
    wrong = psycopg.conninfo.make_conninfo(postgres.url, password="wrong")

    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(wrong)
    with (
        RedisClient(port=redis.port, protocol=2, retry=_ONCE) as client,
        pytest.raises(AuthenticationError, match="Authentication required"),
    ):
        client.ping()


def test_tls() -> None:
    """With TLS, their URLs lead there, and nothing else does."""
    with Postgres(tls=True) as postgres, Redis(tls=True) as redis:
        with psycopg.connect(postgres.url) as client:
            assert client.pgconn.ssl_in_use
        with RedisClient.from_url(redis.url) as other:
            assert other.ping()

        plain = postgres.url.replace("verify-full", "disable")
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(plain)


def test_they_do_not_outlive_an_owner_that_was_killed() -> None:
    """All of them ends, and their folders go, when the owner is killed."""
    with subprocess.Popen(  # noqa: S603 - our own words
        [sys.executable, "-c", _OWNER],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout
        told = [owner.stdout.readline().split() for _ in range(2)]
        owner.send_signal(signal.SIGKILL)
    until = time.monotonic() + _PATIENCE
    while any(Path(folder).exists() for _, folder in told):
        assert time.monotonic() < until
        time.sleep(0.01)

    for pid, _ in told:
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)
