"""``sesamy orders import``: record orders that were sent without a store."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any, cast

import attrs
from cyclopts import App

from sesamy_async._call import BlockingRuntime, drive
from sesamy_async._once import Once, place_of
from sesamy_async._settings import BASE_URL
from sesamy_async.bulk import InputFileError, Source
from sesamy_async.bulk._order_store import (
    BATCH,
    adopt,
    digest_of,
    place_in,
    tell,
)
from sesamy_async.bulk._rows import Mistaken, Row, Sale, first_of
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._files import find_journal
from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reports._words import count
from sesamy_async.idempotency import OrderKey, OrderRecord, OrderState

from .client import name_of, needed_vendor
from .mapping import with_mapping_beside
from .options import CHOSEN, READING, Chosen, Flag, ReadingOptions
from .orders_store import choice, opened
from .output import CommandResult, ExitCode


import_app = App(
    name="import",
    help_epilogue="""\
Examples:

  sesamy orders import orders.csv
  sesamy orders import old.csv --already-sent --vendor acme

The first example reads orders.csv.journal. Exit codes: 0 the store knows all
orders; 1 the journal or the store can't be used; 2 an option or the file is
wrong; 4 the store knows something else of some orders: look at them.
""",
)


@import_app.default
def import_orders(
    file: Path,
    /,
    *,
    already_sent: Flag = False,
    promo: str | None = None,
    shared_contracts: Flag = False,
    reading: ReadingOptions = READING,
    options: Chosen = CHOSEN,
) -> CommandResult:
    """Record orders in the store that were sent without it.

    They are the orders in the journal of an import, or all orders of a file
    that were sent in another way. Nothing is sent to Sesamy.

    Args:
        file: The journal, or the file of orders beside it. With
            --already-sent, a file of orders; its column #contractId may
            name their contracts.
        already_sent: All orders of the file have a confirmed contract.
        promo: The promo code of rows that name none. It is needed to notice
            such an order if it comes again with other data.
        shared_contracts: Several orders may have one contract.
        reading: How the file is read.
        options: Which store. For a file: whose orders they are, and where
            they were sent (by default https://api.sesamy.com).
    """
    _, place = choice(options)
    where = place or place_of(BASE_URL)
    path, vendor, source = file, "", None
    if already_sent:
        vendor = needed_vendor(options)
        reading = with_mapping_beside(file, reading)
        source = open_source(file, **attrs.asdict(reading))
    else:
        path = find_journal(file)
    with opened(options, new=True) as store:
        once = Once(store, where, BlockingRuntime(), shared_contracts)
        told = (
            _of_journal(path, once)
            if source is None
            else drive(_of_file(source, once, vendor, promo))
        )
        name = name_of(store)
    new, known, refused = (told[it] for it in ("new", "known", "refused"))
    look = (
        "  The others are being sent now, or the store has their contract "
        "for another order."
    )
    return CommandResult(
        f"{name} knows {count(new + known, 'order')} of {path}: "
        f"{new:,} new, {known:,} already"
        f"{f'; and something else of {refused:,} more' if refused else ''}.",
        {
            "new": new,
            "known": known,
            "refused": refused,
            "file": str(path),
            "store": name,
        },
        (look,) if refused else (),
        ExitCode.LOOK if refused else ExitCode.DONE,
    )


def _of_journal(path: Path, once: Once) -> Counter[str]:
    """Tell a store what the journal of an import says."""
    with Journal.open(path) as journal:
        where = place_in(journal.terms.base_url)
        return drive(adopt(journal, attrs.evolve(once, where=where)))


async def _of_file(
    source: Source, once: Once, vendor_id: str, promo_code: str | None
) -> Counter[str]:
    """Tell a store that the orders of a file are confirmed."""
    problems = [
        str(problem)
        for found in map(source.read, source.records())
        if isinstance(found, Mistaken)
        for problem in found.problems
    ]
    if problems:
        shown = "; ".join(first_of(problems))
        raise InputFileError(
            f"{source.name} has mistakes: {shown}. Nothing was recorded in "
            "the store.",
            problems=problems,
        )
    result, rows = Counter[str](), source.records()
    while batch := [*islice(rows, BATCH)]:
        known: list[OrderRecord] = []
        for row in batch:
            # None of them is mistaken.
            sale = cast("Sale", source.read(row))
            order, digest = sale.order, None
            if (promo := sale.promo_code or promo_code) is not None:
                digest = await digest_of(once, promo, order)
            vendor = sale.vendor_id or vendor_id
            known.append(
                OrderRecord(
                    key=OrderKey(once.where, vendor, order.external_order_id),
                    state=OrderState.CONFIRMED,
                    contract_id=_contract(source.header, row),
                    digest=digest,
                    source=source.name,
                )
            )
        result += await tell(once, known)
    return result


_CONTRACT = "#contractId"


def _contract(header: tuple[str, ...], row: Row) -> str | None:
    cells: Mapping[str, Any] = (
        dict(zip(header, row.cells, strict=False))
        if header
        else json.loads(row.cells[0])
    )
    return str(cells.get(_CONTRACT) or "").strip() or None
