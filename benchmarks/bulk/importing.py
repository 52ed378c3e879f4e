"""An import as a user has it: a file, its check, a journal, an importer."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import attrs

from benchmarks.payload import BEARER, PROMO, VENDOR
from sesamy_async import AsyncSesamy, RateLimit, StaticToken
from sesamy_async.bulk import Confirm, Importer, ImportSummary, Terms
from sesamy_async.bulk.check import check
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reading import open_source


HEADER = (
    "externalOrderId,paymentProvider,paymentMethod,quantity,"
    "userData.email,userData.fullName,userData.phone,userData.birthday,"
    "userData.address.country,userData.address.zip,userData.address.city,"
    "userData.address.street"
)


def write_orders(path: Path, count: int) -> None:
    """Write a CSV of so many orders, of twelve columns."""
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{HEADER}\n")
        file.writelines(
            f"B-{n:07},KLARNA,INVOICE,1,kim.{n}@example.com,Kim Åberg {n},"
            f"+46701740{n % 1000:03},1980-12-31,SE,{10000 + n % 90000},Lund,"
            f'"Stora Södergatan {n % 99}, 2 tr"\n'
            for n in range(count)
        )


def client(base_url: str, rate_limit: RateLimit | None = None) -> AsyncSesamy:
    """Return a client with a token of usual length."""
    return AsyncSesamy(
        VENDOR,
        auth=StaticToken(BEARER),
        base_url=base_url,
        rate_limit=rate_limit,
    )


def plan(file: Path, base_url: str) -> Journal:
    """Check a file and write its journal beside it."""
    source = open_source(file)
    terms = Terms(
        source=source.name,
        fingerprint=source.fingerprint(),
        promo_code=PROMO,
        vendor_id=VENDOR,
        base_url=base_url,
        confirm=Confirm.SEPARATELY,
    )
    journal = file.with_suffix(".journal")
    with check(source, promo_code=PROMO) as checked:
        return Journal.create(journal, terms, checked.planned())


@attrs.frozen
class Ran:
    """A run of an import.

    Attributes:
        summary: What became of the orders.
        seconds: How long the importer took.
    """

    summary: ImportSummary
    seconds: float


async def run(
    file: Path, journal: Journal, sesamy: AsyncSesamy, concurrency: int
) -> Ran:
    """Import what a journal plans."""
    start = perf_counter()
    summary = await Importer(
        sesamy, open_source(file), journal, concurrency=concurrency
    ).run()
    return Ran(summary, perf_counter() - start)
