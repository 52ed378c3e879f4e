"""``sesamy orders import``: tell the store of orders sent without it."""

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
from sesamy_async.bulk import InputFileError, Source
from sesamy_async.bulk._rows import Mistaken, Row, Sale
from sesamy_async.bulk._told import BATCH, adopt, digest_of, place_in, tell
from sesamy_async.bulk._words import first_of
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._files import find_journal
from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reports._words import count
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import OrderKey, OrderRecord, OrderState

from .client import base_url, name_of
from .mapping import with_mapping_beside
from .options import CHOSEN, READING, Chosen, Flag, ReadingOptions
from .orders_found import choice, opened
from .output import CommandResult, ExitCode


import_app = App(
    name="import",
    help_epilogue="""\
Examples:

  sesamy orders import orders.csv
  sesamy orders import old.csv --already-sent --vendor acme

The first one reads orders.csv.journal. Exit codes: 0 the store knows them
all; 1 the journal or the store can't be used; 2 an option or the file is
wrong; 4 it knows something else of some: look at them.
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

    They are those in the journal of an import, or all orders of a file that
    were sent in another way. Nothing is sent to Sesamy.

    Args:
        file: The journal, or the file of orders beside it; with
            --already-sent, a file of orders, in which a column #contractId
            may name their contracts.
        already_sent: All orders of the file have a confirmed contract.
        promo: The promo code of rows that name none: only so is it noticed
            when such an order comes with other data.
        shared_contracts: Several orders may have one contract.
        reading: How the file is read.
        options: Which store; for a file, whose the orders are, and where
            they were sent (by default, to https://api.sesamy.com).
    """
    vendor, _ = choice(options)
    where = options.where or place_of(base_url(options))
    if already_sent and vendor is None:
        raise ConfigurationError(
            "The vendor is missing: give --vendor, or set SESAMY_VENDOR_ID."
        )
    path = file if already_sent else find_journal(file)
    source = None
    if already_sent:
        reading = with_mapping_beside(file, reading)
        source = open_source(file, **reading.given())
    with opened(options, new=True) as store:
        once = Once(store, where, BlockingRuntime(), shared_contracts)
        told = (
            _of_journal(path, once)
            if source is None
            else drive(_of_file(source, once, vendor or "", promo))
        )
        return _answer(told, path, name_of(store))


def _answer(told: Counter[str], path: Path, store: str) -> CommandResult:
    new, known, refused = (told[it] for it in ("new", "known", "refused"))
    look = (
        "  The others are being sent now, or the store has their "
        "contract for another order."
    )
    return CommandResult(
        f"{store} knows {count(new + known, 'order')} of {path}: "
        f"{new:,} new, {known:,} already"
        f"{f'; and something else of {refused:,} more' if refused else ''}.",
        {
            "new": new,
            "known": known,
            "refused": refused,
            "file": str(path),
            "store": store,
        },
        (look,) if refused else (),
        ExitCode.LOOK if refused else ExitCode.DONE,
    )


def _of_journal(path: Path, once: Once) -> Counter[str]:
    """Tell a store what the journal of an import says.

    The orders go to where the journal says that they were sent.  That of the
    version before does not say which rows had a publisher of their own.
    """
    with Journal.open(path, old=True) as journal:
        where = place_in(journal.terms.base_url)
        return drive(adopt(journal, attrs.evolve(once, where=where)))


async def _of_file(
    source: Source, once: Once, vendor_id: str, promo_code: str | None
) -> Counter[str]:
    """Tell a store that the orders of a file are confirmed.

    Raises:
        InputFileError: Rows can't be read; nothing was told.
    """
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
    """Return the contract that a row names."""
    cells: Mapping[str, Any] = (
        dict(zip(header, row.cells, strict=False))
        if header
        else json.loads(row.cells[0])
    )
    return str(cells.get(_CONTRACT) or "").strip() or None
