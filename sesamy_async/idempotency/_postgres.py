"""A store in a Postgres, for any number of hosts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from secrets import token_bytes
from selectors import DefaultSelector
from typing import Any, TypeVar

from sesamy_async._links import TooLate, has_input, left
from sesamy_async.errors import ConfigurationError

from . import _postgres_sql as texts
from ._protocol import OrderKey, OrderRecord
from ._records import Search, dump_record, load_record
from ._servers import (
    BATCH,
    PAGE,
    Change,
    Seen,
    ServerStore,
    Wanted,
)
from ._store import unusable


try:
    import psycopg
    from psycopg.abc import PQGen
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.waiting import Ready, Wait

    from ._postgres_trouble import NAME, explained
except ImportError:
    raise ConfigurationError(
        "idempotency: a store in a Postgres needs a package that is not "
        "installed: pip install 'sesamy-async[postgres]'."
    ) from None


_CONNECTING = 10

_T = TypeVar("_T")

# Another one came first, in a way that fails all of it.
_OVERTAKEN = (
    psycopg.errors.UniqueViolation,
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
)


class _Connection(psycopg.Connection[Any]):
    """A connection that waits no longer than it may, and shows nothing."""

    until = 0.0

    def wait(self, gen: PQGen[_T], *_: Any, **__: Any) -> _T:
        """Wait for the server, for as long as there is time.

        psycopg's own way knows no limit in all versions.
        """
        try:
            wanted = next(gen)
            while True:
                wanted = gen.send(self._ready(wanted))
        except StopIteration as end:
            result: _T = end.value
            return result

    def _ready(self, wanted: Wait) -> Ready:
        with DefaultSelector() as selector:
            selector.register(self.fileno(), wanted)
            for _, ready in selector.select(left(self.until)):
                return Ready(ready)
        raise TooLate

    def alive(self) -> bool:
        """Whether nothing has happened to it since it was used."""
        return not (self.closed or has_input(self.fileno()))

    def ask(self, until: float, *statements: str) -> list[list[Any]]:
        """Let the server do all of them or none; return the rows of each."""
        self.until = until
        limit = f"SET LOCAL statement_timeout = {left(until) * 1e3 + 1:.0f}"
        text = ";".join((limit, *statements))
        cursor = psycopg.ClientCursor(self)
        # It is more than one statement, so it can't have parameters.
        cursor.execute(text.encode())
        rows: list[list[Any]] = []
        while cursor.nextset():
            if cursor.description:
                rows.append(cursor.fetchall())
        return rows

    def fill(self, statement: str, values: Any) -> str:
        """Return a statement with its values, which it quotes."""
        return psycopg.ClientCursor(self).mogrify(statement.encode(), values)

    def __repr__(self) -> str:
        return "<a connection to Postgres>"

    def __del__(self, *_: Any) -> None:
        # libpq closes it, unless it is the parent's.
        pass


class PostgresStore(ServerStore[_Connection]):
    """Keeps orders in a Postgres, for any number of hosts.

    It makes its tables if they are not there; `schema` is what it gives for
    that.  What it has acknowledged is on the disk of the server; to survive
    its loss too, the server needs a synchronous standby
    (``synchronous_standby_names``).

    Args:
        url: ``postgresql://user:password@host/database``, with all that
            libpq takes.  It always connects to a server that can write.
        table: The name of the table of orders, in lower case; those of the
            other tables begin with it.  It may have a schema in front.

    Raises:
        ConfigurationError: The URL or the name is none.
    """

    def __init__(self, url: str, *, table: str = texts.TABLE) -> None:
        self._names = texts.names(table)
        self._schema = texts.schema(table)
        options = _options(url)
        del url
        if options is None:
            raise ConfigurationError(
                "idempotency (SESAMY_IDEMPOTENCY): the value is not the URL "
                "of a Postgres. It can be "
                "postgresql://user:password@host:5432/database; write special "
                "characters in the password as %40 for @, %2F for /, and so "
                "on."
            )
        self._there = False
        super().__init__(NAME, _connector(options), explained)

    @property
    def schema(self) -> str:
        """The SQL that makes the tables."""
        return self._schema

    def _about(self, link: _Connection, until: float) -> tuple[str, bool]:
        name = [self._names["orders"]]
        [[[version, there]]] = link.ask(until, link.fill(texts.ABOUT, name))
        return f"Postgres {version}", there

    def _salt(self, link: _Connection, until: float) -> bytes:
        new = link.fill(self._sql(texts.SALT), [token_bytes(32).hex()])
        [[[salt]]] = self._ask(link, until, _commit(durable=True), new)
        return bytes.fromhex(salt)

    def _see(
        self, link: _Connection, wanted: Sequence[Wanted], until: float
    ) -> list[Seen]:
        columns = zip(*(_wanted(*each) for each in wanted), strict=True)
        values = [[*column] for column in columns]
        find = link.fill(self._sql(texts.FIND), values)
        [rows] = self._ask(link, until, find)
        return [Seen(*row) for row in rows]

    def _change(
        self,
        link: _Connection,
        changes: Sequence[Change],
        *,
        durable: bool,
        until: float,
    ) -> list[bool]:
        # All take their locks in one order, so that nobody waits in a ring.
        order = sorted(
            range(len(changes)), key=lambda at: _values(changes[at].key)
        )
        statements = [self._statement(link, changes[at]) for at in order]
        try:
            rows = link.ask(until, _commit(durable=durable), *statements)
        except _OVERTAKEN:
            return [False] * len(changes)
        done = {
            at: bool(count) for at, [[count]] in zip(order, rows, strict=True)
        }
        return [done[at] for at in range(len(changes))]

    def _statement(self, link: _Connection, change: Change) -> str:
        place, vendor, order_id = _values(change.key)
        values: dict[str, Any] = {
            "place": place,
            "vendor": vendor,
            "order_id": order_id,
            "contract_id": change.contract_id,
            "old": change.old,
        }
        step = texts.REMOVE if change.old is not None else texts.ADD
        if change.new is not None:
            step = texts.PUT if change.old is not None else texts.ADD
            values["state"] = change.new.state.value
            values["at"] = change.new.at
            values["data"] = dump_record(change.new)
        return link.fill(self._sql(texts.CHANGE.format(step)), values)

    def _page(
        self,
        link: _Connection,
        after: OrderKey | None,
        search: Search,
        until: float,
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        wanted = (search.since, [each.value for each in search.states])
        if search.external_order_id is not None:
            # They are few: one for each publisher.
            statement = link.fill(
                self._sql(texts.BY_ID), (*wanted, search.external_order_id)
            )
        else:
            start = _values(after) if after else ("", "", "")
            statement = link.fill(
                self._sql(texts.WINDOW), (*wanted, *start, PAGE)
            )
        [rows] = self._ask(link, until, statement)
        found = [
            load_record(OrderKey(*key), data, now)
            for *key, data, now in rows
            if data is not None
        ]
        more = search.external_order_id is None and len(rows) == PAGE
        return found, OrderKey(*rows[-1][:3]) if more else None

    def _purge(
        self, link: _Connection, older_than: float, until: float
    ) -> int:
        purge = link.fill(self._sql(texts.PURGE), (older_than, BATCH))
        [[[count]]] = self._ask(link, until, _commit(durable=False), purge)
        return int(count)

    def _ask(
        self, link: _Connection, until: float, *statements: str
    ) -> list[list[Any]]:
        """Ask; make the tables if they have never been there."""
        # Another thread may make them while this one is told that they are
        # not there.
        there = self._there
        try:
            rows = link.ask(until, *statements)
        except psycopg.errors.UndefinedTable:
            if there:
                # Made anew, they would have forgotten all orders.
                raise
        else:
            self._there = True
            return rows
        self._make(link, until)
        return link.ask(until, *statements)

    def _make(self, link: _Connection, until: float) -> None:
        try:
            link.ask(until, texts.ALONE, self.schema)
        except (
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.InvalidSchemaName,
        ):
            pass
        else:
            return
        raise unusable(
            NAME,
            "its tables are not there, and this user may not create them. Ask "
            "somebody who may create them to run what `sesamy orders schema` "
            "prints, and to grant this user SELECT, INSERT, UPDATE and DELETE "
            "on them",
        )

    def _sql(self, text: str) -> str:
        return text.format(**self._names)


def _options(url: str) -> dict[str, Any] | None:
    """Return what the URL says; None if it is none."""
    try:
        return conninfo_to_dict(
            url,
            # Of several hosts, the one that others follow.
            target_session_attrs="read-write",
            client_encoding="utf8",
        )
    except psycopg.Error:
        # What it says shows parts of the URL.
        return None


def _connector(
    options: dict[str, Any],
) -> Callable[[float], _Connection]:
    options = {"connect_timeout": _CONNECTING, **options}

    def connect(seconds: float) -> _Connection:
        del seconds
        # Without prepared statements, as poolers may not know them.
        return _Connection.connect(
            **options, autocommit=True, prepare_threshold=None
        )

    return connect


def _commit(*, durable: bool) -> str:
    # Also where the database, or the user, has another default.
    return f"SET LOCAL synchronous_commit = {'on' if durable else 'off'}"


def _values(key: OrderKey) -> tuple[str, str, str]:
    return key.where, key.vendor_id, key.external_order_id


def _wanted(key: OrderKey, contract_id: str | None) -> tuple[str | None, ...]:
    return (*_values(key), contract_id)
