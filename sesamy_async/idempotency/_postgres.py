"""A store in a Postgres, and what can be wrong with one."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from secrets import token_bytes
from selectors import DefaultSelector
from typing import Any, TypeVar

from sesamy_async._links import (
    LOST,
    Explained,
    TooLate,
    has_input,
    left,
    unexplained,
)
from sesamy_async.errors import ConfigurationError

from . import _postgres_sql as texts
from ._protocol import OrderKey, OrderRecord
from ._records import Search, dump_record, load_record
from ._shared import (
    BATCH,
    PAGE,
    RecordChange,
    Seen,
    ServerStore,
    Wanted,
    parts,
)


try:
    import psycopg
    from psycopg.abc import PQGen
    from psycopg.conninfo import conninfo_to_dict
    from psycopg.waiting import Ready, Wait
except ImportError:
    raise ConfigurationError(
        "idempotency: a store of orders in a Postgres needs psycopg: "
        "pip install 'sesamy-async[postgres]'."
    ) from None


_NAME = "(Postgres)"
_CONNECTING = 10

_T = TypeVar("_T")

# Texts of the server and its driver hold hosts and users, so none is shown.
_LOGIN = "it refuses this user. Check the user, password and pg_hba.conf"
_READ_ONLY = (
    "it is read-only, for example a standby. Name the server that it follows, "
    "or all of them: postgresql://one,two/database"
)
_LATE = "it did not finish in time. Try again"
_GONE = (
    "its tables are gone, and with them the record of which orders were sent. "
    "Restore them from a backup"
)
_FULL = (
    "it has no disk space, memory or connections left. Free some; then "
    "try again"
)
_ID = "an id is too long, or has a character that its database can't store"
_BY_CODE = {
    "08": (LOST, True),
    "22": (_ID, False),
    "25006": (_READ_ONLY, False),
    "42P01": (_GONE, False),
    "53": (_FULL, True),
    "54000": (_ID, False),
    "55": (_LATE, True),
    "57": (LOST, True),
    "57014": (_LATE, True),
}
# A failed login has no code, only what the server says, which we don't show.
_BY_WORDS = {
    "password": _LOGIN,
    "pg_hba.conf": _LOGIN,
    "role": _LOGIN,
    "database": "it does not have the database, or refuses the user",
    "certificate": "its certificate is not trusted. Check sslrootcert in the "
    "URL",
    "read-only": _READ_ONLY,
    "read-write": _READ_ONLY,
}

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

    def ask(self, *statements: str) -> list[list[Any]]:
        """Let the server do all of them or none; return the rows of each."""
        seconds = left(self.until)
        limit = f"SET LOCAL statement_timeout = {seconds * 1e3 + 1:.0f}"
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

    It creates missing tables; `schema` is the SQL for them.  What it has
    acknowledged is on the disk of the server.  To survive the loss of the
    server too, the server needs a synchronous standby
    (``synchronous_standby_names``).

    Args:
        url: ``postgresql://user:password@host/database``, with the options
            of libpq.  It connects only to a server that accepts writes.

    Raises:
        ConfigurationError: The URL is invalid, or psycopg is not installed.
    """

    def __init__(self, url: str) -> None:
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
        super().__init__(_NAME, partial(_connect, options), _explained)

    @property
    def schema(self) -> str:
        """The SQL that creates the tables."""
        return texts.SCHEMA

    def _salt(self, link: _Connection) -> bytes:
        new = link.fill(texts.SALT, [token_bytes(32).hex()])
        [[[salt]]] = self._asked(link, _commit(durable=True), new)
        return bytes.fromhex(salt)

    def _see(
        self, link: _Connection, wanted: Sequence[Wanted]
    ) -> tuple[list[Seen], float]:
        rows = ((*parts(key), contract_id) for key, contract_id in wanted)
        columns = [[*each] for each in zip(*rows, strict=True)]
        find = link.fill(texts.FIND, columns)
        [found] = self._asked(link, find)
        return [(data, owner) for data, owner, _ in found], found[0][2]

    def _change(
        self,
        link: _Connection,
        changes: Sequence[RecordChange],
        *,
        durable: bool,
    ) -> list[bool]:
        # All take their locks in one order, so that nobody waits in a ring.
        order = sorted(
            range(len(changes)), key=lambda at: parts(changes[at].key)
        )
        statements = [self._statement(link, changes[at]) for at in order]
        try:
            rows = link.ask(_commit(durable=durable), *statements)
        except _OVERTAKEN:
            return [False] * len(changes)
        done = {
            at: bool(count) for at, [[count]] in zip(order, rows, strict=True)
        }
        return [done[at] for at in range(len(changes))]

    def _statement(self, link: _Connection, change: RecordChange) -> str:
        place, vendor, order_id = parts(change.key)
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
        return link.fill(texts.CHANGE.format(step), values)

    def _page(
        self, link: _Connection, after: OrderKey | None, search: Search
    ) -> tuple[list[OrderRecord], OrderKey | None]:
        wanted = (search.since, [each.value for each in search.states])
        if search.external_order_id is not None:
            # They are few: one for each publisher.
            text = texts.BY_ID
            more: Sequence[object] = [search.external_order_id]
        else:
            text = texts.WINDOW
            more = [*(parts(after) if after else ("", "", "")), PAGE]
        [rows] = self._asked(link, link.fill(text, (*wanted, *more)))
        found = [
            load_record(OrderKey(*key), data, now)
            for *key, data, now in rows
            if data is not None
        ]
        ends = search.external_order_id is not None or len(rows) < PAGE
        return found, None if ends else OrderKey(*rows[-1][:3])

    def _purge(self, link: _Connection, older_than: float) -> int:
        purge = link.fill(texts.PURGE, (older_than, BATCH))
        [[[count]]] = self._asked(link, _commit(durable=False), purge)
        return int(count)

    def _asked(self, link: _Connection, *statements: str) -> list[list[Any]]:
        """Ask; make the tables if they have never been there."""
        # Another thread may make them while this one is told that they are
        # not there.
        there = self._there
        try:
            rows = link.ask(*statements)
        except psycopg.errors.UndefinedTable:
            if there:
                # Made anew, they would have forgotten all orders.
                raise
        else:
            self._there = True
            return rows
        self._make(link)
        return link.ask(*statements)

    def _make(self, link: _Connection) -> None:
        with suppress(
            psycopg.errors.InsufficientPrivilege,
            psycopg.errors.InvalidSchemaName,
        ):
            link.ask(texts.ALONE, self.schema)
            return
        raise self._fail(
            "its tables are missing, and this user may not create them. Ask "
            "somebody who may create them to run what `sesamy orders schema` "
            "prints, and to grant this user SELECT, INSERT, UPDATE and DELETE "
            "on them"
        )


def _options(url: str) -> dict[str, Any] | None:
    """Return what the URL says; None if it is none."""
    try:
        options = conninfo_to_dict(
            url,
            # Of several hosts, the one that others follow.
            target_session_attrs="read-write",
            client_encoding="utf8",
        )
    except psycopg.Error:
        # What it says shows parts of the URL.
        return None
    return {"connect_timeout": _CONNECTING, **options}


def _connect(options: dict[str, Any], _seconds: float) -> _Connection:
    # Without prepared statements, as poolers may not know them.
    return _Connection.connect(
        **options, autocommit=True, prepare_threshold=None
    )


def _commit(*, durable: bool) -> str:
    # Also where the database, or the user, has another default.
    return f"SET LOCAL synchronous_commit = {'on' if durable else 'off'}"


def _explained(error: Exception) -> Explained:
    if not isinstance(error, psycopg.Error):
        return f"{type(error).__name__} in this program", False
    code = error.sqlstate or ""
    for start in (code, code[:2]):
        if start in _BY_CODE:
            return _BY_CODE[start]
    if isinstance(error, psycopg.DataError):
        return _ID, False
    if isinstance(error, psycopg.OperationalError) and not code:
        # Which of them are served, and whether there are too many, passes.
        said = str(error).partition("FATAL:")[2] or str(error)
        for words, what in _BY_WORDS.items():
            if words in said:
                return what, False
        return LOST, True
    return unexplained(error, code), False
