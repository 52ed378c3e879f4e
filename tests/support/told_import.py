"""An import of canaries, and all that is left of it or can be held of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import time
from typing import Any

import attrs

from sesamy_async import (
    AsyncSesamy,
    ClientCredentials,
    Connections,
    RetryPolicy,
)
from sesamy_async.bulk import Importer, ImportSummary, Source, Terms
from sesamy_async.bulk._steps import claims
from sesamy_async.bulk.check import check, write_problems
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reports import ReportPaths, Reports, write_reports
from sesamy_async.bulk.reports._page import Facts, render

from .canaries import CANARIES, SECRET
from .import_world import Hurried
from .telltale import Scene


HEADER = (
    "externalOrderId,paymentProvider,paymentMethod,quantity,userData.email,"
    "userData.fullName,userData.phone,userData.birthday,vendorData.seller"
)
PERSON = ",".join(
    CANARIES[name] for name in ("email", "name", "phone", "birthday", "name")
)
WRONG_ROW = 2


def write_orders(path: Path, rows: int) -> Path:
    """Write orders of one person, the first of which is wrong."""
    lines = [
        f"L-{row},KLARNA,CARD,{'x' if row == WRONG_ROW else 1},{PERSON}"
        for row in range(2, rows + 2)
    ]
    path.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    return path


@attrs.define
class ToldImport:
    """An import into a server that tells all it knows."""

    folder: Path
    sending: Callable[[], object] = bool  # When all is ready to be sent.
    reporting: Callable[[], object] = bool  # When all is sent.
    # What a caller can hold of it.
    objects: list[object] = attrs.field(factory=list[object])
    # Its files, by name, as they were at any time.
    texts: dict[str, str] = attrs.field(factory=dict[str, str])
    error: BaseException | None = None
    timeout: float = 20.0

    @property
    def orders(self) -> Path:
        """The file."""
        return self.folder / "orders.csv"

    async def run(self, scene: Scene, rows: int = 3) -> ImportSummary:
        """Check a file, send it and report; keep all that was seen."""
        source = open_source(write_orders(self.orders, rows))
        with scene.server() as server:
            terms = self._terms(source, server.url)
            with check(source, promo_code="SPRING-12") as checked:
                write_problems(checked, self.folder / "orders.problems.csv")
                journal = Journal.create(
                    self.folder / "orders.csv.journal",
                    terms,
                    checked.planned(),
                )
                self.objects += [checked, *checked.problems()]
            with journal:
                summary = await self._send(source, journal, server.url)
                self._look()
                self.reporting()
                self._report(source, journal, summary)
        self._look()
        return summary

    async def _send(
        self, source: Source, journal: Journal, url: str
    ) -> ImportSummary:
        async with AsyncSesamy(
            "acme",
            auth=ClientCredentials("c", SECRET),
            base_url=url,
            token_url=f"{url}/oauth/token",
            retry=RetryPolicy(attempts=2, base=0.0, budget=None),
            rate_limit=None,
            timeout=self.timeout,
            deadline=1.5 * self.timeout,
            transport=Connections(max_response_size=100_000),
        ) as client:
            importer = Importer(
                client,
                source,
                journal,
                concurrency=2,
                patience=0,
                runtime=Hurried(),
            )
            self.objects += [importer, journal, source, client]
            self.objects += self._rows(source, journal)
            self.sending()
            summary = await importer.run()
            self.objects += [importer.progress(), summary]
        self.objects += journal.entries()
        self.error = self.error or importer._broken
        return summary

    def _report(
        self, source: Source, journal: Journal, summary: ImportSummary
    ) -> None:
        reports: Reports = write_reports(
            source,
            journal.entries(),
            summary,
            ReportPaths.beside(journal.path),
            fingerprint=journal.terms.fingerprint,
        )
        facts = Facts(
            summary=summary,
            terms=journal.terms,
            reports=reports,
            spans=journal.timeline(1),
            width=1,
            now=time(),
        )
        (self.folder / "page.html").write_text(render(facts), "utf-8")
        self.objects += [reports, facts]

    def _terms(self, source: Source, url: str) -> Terms:
        return Terms(
            source=source.name,
            fingerprint=source.fingerprint(),
            promo_code="SPRING-12",
            vendor_id="acme",
            base_url=url,
        )

    def _rows(self, source: Source, journal: Journal) -> Iterator[Any]:
        for record in source.records():
            yield record
            yield source.read(record)
        yield next(claims(source, journal))

    def _look(self) -> None:
        for path in self.folder.iterdir():
            if path != self.orders and ".rejected." not in path.name:
                text = path.read_bytes().decode("utf-8", "replace")
                before = self.texts.get(path.name, "")
                self.texts[path.name] = f"{before}{text}"
