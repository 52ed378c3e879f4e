"""Imports into a sandbox in this process, with time that is not waited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import anyio.to_thread
import attrs

from sesamy_async import AsyncSesamy, RetryPolicy
from sesamy_async.bulk import Confirm, Importer, ImportSummary, Planned, Terms
from sesamy_async.bulk.journal import Journal
from sesamy_async.sandbox import Sandbox, SandboxConfig

from .runtime import FakeEvent, FakeRuntime
from .sandbox_settings import arguments
from .sources import Listed


ONCE = RetryPolicy(attempts=1, budget=None)
_STEPS = 200


@attrs.define
class _Event(FakeEvent):
    dues: list[float] = attrs.field(factory=list)

    async def wait(self, seconds: float) -> bool:
        """Let the others run; then, time has passed for the first of all."""
        due = self.runtime.time + seconds
        self.dues.append(due)
        try:
            idle = 0
            threads = anyio.to_thread.current_default_thread_limiter()
            while (
                idle < _STEPS
                or due > min(self.dues)
                or threads.borrowed_tokens  # One still does something.
            ):
                if self.event.is_set():
                    return True
                await anyio.lowlevel.checkpoint()
                idle += 1
        finally:
            self.dues.remove(due)
        self.runtime.time = max(self.runtime.time, due)
        return self.event.is_set()


@attrs.define
class Hurried(FakeRuntime):
    """A runtime in which a wait ends as soon as nobody does anything."""

    dues: list[float] = attrs.field(factory=list)

    def event(self) -> FakeEvent:
        """Make an event of that kind."""
        return _Event(self, dues=self.dues)


@attrs.define(kw_only=True)
class World:
    """A sandbox, a file and a journal."""

    folder: Path
    source: Listed
    confirm: Confirm = Confirm.SEPARATELY
    strays: bool | None = None  # Whether creates may be repeated.
    promo_code: str | None = "SPRING-12"
    sandbox: Sandbox = attrs.field(
        factory=lambda: Sandbox(SandboxConfig(rate_limit=None))
    )
    runtime: Hurried = attrs.field(factory=Hurried)

    @property
    def path(self) -> Path:
        """Where the journal is."""
        return self.folder / "orders.csv.journal"

    @property
    def terms(self) -> Terms:
        """What the import has agreed to."""
        settings = self.sandbox.environment()
        return Terms(
            source=self.source.name,
            fingerprint=self.source.fingerprint(),
            promo_code=self.promo_code,
            vendor_id=settings["SESAMY_VENDOR_ID"],
            base_url=settings["SESAMY_BASE_URL"],
            confirm=self.confirm,
            strays=self.strays,
        )

    def journal(self) -> Journal:
        """Make the journal, or open the one that is there."""
        if self.path.exists():
            return Journal.open(self.path)
        rows = [
            Planned(
                row=row, order_id=each or None, reason=None if each else "x"
            )
            for row, each in enumerate(self.source.ids, start=2)
        ]
        return Journal.create(self.path, self.terms, rows)

    @asynccontextmanager
    async def client(self, **settings: Any) -> AsyncIterator[AsyncSesamy]:
        """Yield a client that calls the sandbox."""
        defaults: dict[str, Any] = {
            **arguments(self.sandbox.environment()),
            "transport": self.sandbox.transport(),
            "retry": ONCE,
            "rate_limit": None,
        }
        async with AsyncSesamy(**{**defaults, **settings}) as client:
            yield client

    async def run(
        self,
        *,
        concurrency: int = 4,
        patience: float = 3600.0,
        first: int | None = None,
        watch: Callable[[Importer], None] | None = None,
        **settings: Any,
    ) -> ImportSummary:
        """Import the file, or go on with it."""
        with self.journal() as journal:
            async with self.client(**settings) as client:
                importer = Importer(
                    client,
                    self.source,
                    journal,
                    concurrency=concurrency,
                    patience=patience,
                    first=first,
                    runtime=self.runtime,
                )
                if watch is not None:
                    watch(importer)
                return await importer.run()

    def confirmed(self) -> list[int]:
        """Return how many confirmed contracts each order has."""
        ledger = self.sandbox.ledger
        return [len(ledger.confirmed(each)) for each in self.source.ids]

    def created(self) -> list[int]:
        """Return how many contracts each order has."""
        ledger = self.sandbox.ledger
        return [ledger.count(each) for each in self.source.ids]
