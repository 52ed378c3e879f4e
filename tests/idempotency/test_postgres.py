"""A store in a Postgres keeps the rules of all stores."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from importlib import import_module
from random import Random
from typing import Any

import psycopg
import pytest
import trustme

from idempotency.bench import WITHIN, Bench
from idempotency.contract import failure
from idempotency.served import CONFIRMED, ServedStoreContract, shown
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import (
    PostgresStore,
    RecordStore,
    _postgres,
    _postgres_sql,
)
from support.servers import Postgres


def _run(url: str, *statements: str) -> None:
    with psycopg.connect(url, autocommit=True) as client:
        for each in statements:
            client.execute(each.encode())


def _values(url: str, query: str) -> list[Any]:
    with psycopg.connect(url) as client:
        return [value for [value] in client.execute(query.encode())]


_GUEST = "postgresql://guest:gu3st@"
_WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
)
_LOGGING = """
CREATE TABLE log (commits text);
GRANT ALL ON log TO PUBLIC;
CREATE FUNCTION log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO log VALUES (current_setting('synchronous_commit'));
    RETURN NULL;
END $$;
CREATE TRIGGER log AFTER INSERT OR UPDATE ON sesamy_orders
    EXECUTE FUNCTION log();
"""
_REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'never to shop'; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON sesamy_orders
    EXECUTE FUNCTION refuse();
"""


class TestPostgresStore(ServedStoreContract):
    """A store in a Postgres."""

    @pytest.fixture
    def server(self, postgres: Postgres) -> Postgres:
        """Return an empty server."""
        return postgres

    def make(self, url: str) -> RecordStore:
        """Return a store."""
        return PostgresStore(url)

    def spoil(self, server: Postgres) -> None:
        """Make all orders such that nobody can read them."""
        _run(server.url, "UPDATE sesamy_orders SET data = '{}'")

    def connections(self, server: Postgres) -> int:
        """Return how many connections the server has."""
        [count] = _values(
            server.admin_url,
            "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop'",
        )
        return int(count)

    def dump(self, server: Postgres) -> list[str]:
        """Return all rows of all tables."""
        with psycopg.connect(server.url) as client:
            tables = client.execute(
                "SELECT tablename FROM pg_tables WHERE tableowner = 'shop'"
            ).fetchall()
            return [
                str(value)
                for [table] in tables
                for row in client.execute(f'TABLE "{table}"'.encode())
                for value in row
            ]

    @pytest.fixture
    def guest(self, server: Postgres) -> Iterator[str]:
        """Return a URL for a user who may not make tables."""
        _run(server.admin_url, "CREATE ROLE guest LOGIN PASSWORD 'gu3st'")
        yield _GUEST + server.url.partition("@")[2]
        _run(server.admin_url, "DROP OWNED BY guest", "DROP ROLE guest")

    def test_needs_no_right_to_make_tables(
        self, server: Postgres, guest: str
    ) -> None:
        """Somebody else may make the tables; an error names the problem."""
        with closing(PostgresStore(guest)) as store:
            errors = [failure(lambda: store.salt(within=WITHIN))]
            _run(server.url, store.schema)
            errors.append(failure(lambda: store.salt(within=WITHIN)))
            rights = "SELECT, INSERT, UPDATE, DELETE ON ALL TABLES"
            _run(server.url, f"GRANT {rights} IN SCHEMA public TO guest")
            bench = Bench(store, store, time.sleep)

            record = bench.confirm(bench.key())

        assert CONFIRMED is record.state

        for each, said in zip(
            errors, ["not create them", "InsufficientPrivilege"], strict=True
        ):
            assert not each.retryable
            assert said in str(each)

    def test_waits_while_others_make_the_tables(
        self, bench: Bench, server: Postgres
    ) -> None:
        """Who finds the tables half made waits until they are there."""
        with (
            ThreadPoolExecutor() as others,
            psycopg.connect(server.url) as client,
        ):
            client.execute(_postgres_sql.ALONE.encode())
            client.execute(_postgres_sql.SCHEMA.encode())
            salt = others.submit(bench.one.salt, within=WITHIN)
            until = time.monotonic() + WITHIN
            while _values(server.admin_url, _WAITING) == [0]:
                assert time.monotonic() < until
            client.commit()

            assert 32 == len(salt.result())

    def test_makes_its_tables_only_once(
        self, bench: Bench, server: Postgres
    ) -> None:
        """Tables that are gone are not made anew, as if nothing had been."""
        bench.create(bench.key())
        _run(server.url, "DROP TABLE sesamy_orders")

        error = failure(lambda: bench.one.look([bench.key()], within=WITHIN))

        assert not error.retryable
        assert "tables are gone" in str(error)

    def test_keeps_several_apart(self, server: Postgres) -> None:
        """Stores in other schemas have other orders."""
        _run(server.url, "CREATE SCHEMA audit")
        salts: set[bytes] = set()
        for options in ("", "?options=-csearch_path%3Daudit"):
            with closing(PostgresStore(f"{server.url}{options}")) as store:
                bench = Bench(store, store, time.sleep, where="w")
                bench.create(bench.key())
                salts.add(store.salt(within=WITHIN))

        assert 2 == len(salts)

    def test_waits_for_the_disk_where_it_must(
        self, bench: Bench, server: Postgres
    ) -> None:
        """What must survive does, whatever the database's default is."""
        bench.one.salt(within=WITHIN)
        _run(server.url, _LOGGING)
        _run(
            server.admin_url,
            "ALTER DATABASE shop SET synchronous_commit = off",
        )
        bench.one.close()

        bench.confirm(bench.key())

        log = _values(server.url, "SELECT commits FROM log")
        # An INSERT; then two UPDATEs, of the contract and of its end.
        assert ["off", "on", "off"] == log

    def test_works_in_serializable_databases(
        self, bench: Bench, server: Postgres
    ) -> None:
        """Transactions that fail for others' sake are done again."""
        _run(
            server.admin_url,
            "ALTER DATABASE shop SET default_transaction_isolation"
            " = serializable",
        )
        for each in (bench.one, bench.other):
            each.close()

        self.test_lets_one_contract_count(bench)
        assert isinstance(bench.one, PostgresStore)

    def test_refuses_a_server_that_only_reads(
        self, bench: Bench, server: Postgres
    ) -> None:
        """A standby is behind the server that it follows."""
        bench.one.salt(within=WITHIN)
        name = "default_transaction_read_only"
        _run(server.admin_url, f"ALTER ROLE shop SET {name} = on")

        error = failure(lambda: bench.found(bench.key()))

        _run(server.admin_url, f"ALTER ROLE shop RESET {name}")
        assert not error.retryable
        assert "standby" in str(error)

    def test_leaves_nobody_waiting_on_the_server(
        self, bench: Bench, server: Postgres
    ) -> None:
        """What has given up waits for no lock on the server either."""
        bench.one.salt(within=WITHIN)
        with psycopg.connect(server.url) as client:
            client.execute("LOCK TABLE sesamy_orders")

            error = failure(
                lambda: bench.one.claim(
                    bench.key(), bench.holder(), within=0.2
                )
            )

            until = time.monotonic() + WITHIN
            while _values(server.admin_url, _WAITING) != [0]:
                assert time.monotonic() < until
        assert error.retryable

    def test_leaves_columns_of_others_alone(
        self, bench: Bench, server: Postgres
    ) -> None:
        """What a later version keeps in columns of its own stays."""
        bench.create(bench.key())
        _run(
            server.url,
            "ALTER TABLE sesamy_orders ADD COLUMN later text",
            "UPDATE sesamy_orders SET later = 'kept'",
        )

        bench.confirm(bench.key("o-2"), "c-2")
        bench.one.mark(
            bench.key(), CONFIRMED, token="t", contract_id="c-1", within=WITHIN
        )

        found = _values(
            server.url, "SELECT later FROM sesamy_orders ORDER BY order_id"
        )
        assert ["kept", None] == found

    @pytest.mark.parametrize(
        ("order_id", "said"),
        [
            ("a\0b", "a character"),
            # Of chance, so that Postgres can't compress it.
            (Random(1).randbytes(20_000).hex(), "too long"),  # noqa: S311
            ("\ud800", "UnicodeEncodeError"),
        ],
    )
    def test_says_which_ids_it_can_not_keep(
        self, bench: Bench, order_id: str, said: str
    ) -> None:
        """An id that Postgres can't keep is refused."""
        error = failure(
            lambda: bench.claim(bench.key(order_id), bench.brief())
        )

        assert not error.retryable
        assert said in str(error)

    def test_says_what_it_does_not_know(
        self, bench: Bench, server: Postgres
    ) -> None:
        """Of what others have put there, the kind of an error is shown."""
        bench.one.salt(within=WITHIN)
        _run(server.url, _REFUSING)

        error = failure(lambda: bench.create(bench.key()))

        assert "RaiseException P0001" in str(error)
        assert "never" not in shown(error)

    @pytest.mark.parametrize(
        ("old", "new", "said"),
        [
            ("shop:", "nobody:", "user"),
            ("%40", "", "password"),
            ("/shop?", "/none?", "database"),
            ("/shop?", "/shop?sslmode=require&", "connection"),
        ],
    )
    def test_says_what_is_wrong_with_the_url(
        self, server: Postgres, old: str, new: str, said: str
    ) -> None:
        """Who is not let in learns what to look at."""
        url = f"{server.url}?".replace(old, new, 1)
        with closing(PostgresStore(url)) as store:
            error = failure(lambda: store.salt(within=WITHIN))

        assert said in str(error)

    def test_speaks_tls(self) -> None:
        """It connects over TLS, to a server that is the right one."""
        with Postgres(tls=True) as server:
            with closing(PostgresStore(server.url)) as store:
                assert 32 == len(store.salt(within=WITHIN))
            trustme.CA().cert_pem.write_to_path(
                str(server.folder / "authorities.pem")
            )
            with closing(PostgresStore(server.url)) as store:
                error = failure(lambda: store.salt(within=WITHIN))

        assert not error.retryable
        assert "sslrootcert" in str(error)


def test_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its driver, it says which extra is missing."""
    monkeypatch.setitem(sys.modules, "psycopg", None)
    name = "sesamy_async.idempotency._postgres"
    monkeypatch.delitem(sys.modules, name)

    with pytest.raises(ConfigurationError, match=r"sesamy-async\[postgres\]"):
        import_module(name)


def test_another_thread_makes_the_tables(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tables that are made meanwhile are not taken for ones that are gone."""
    with closing(PostgresStore(postgres.url)) as store:
        ask = _postgres._Connection.ask

        def late(*given: Any) -> Any:
            try:
                return ask(*given)
            except psycopg.errors.UndefinedTable:
                monkeypatch.undo()
                for _ in range(2):  # Over another connection.
                    store.salt(within=WITHIN)
                raise

        monkeypatch.setattr(_postgres._Connection, "ask", late)

        assert store.salt(within=WITHIN) == store.salt(within=WITHIN)
