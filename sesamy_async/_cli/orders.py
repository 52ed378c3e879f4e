"""``sesamy orders``: look into the store of orders, and settle doubts."""

from __future__ import annotations

import heapq
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from sesamy_async._checks import segment
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import ENDED, OrderRecord, OrderState

from .client import name_of
from .contract import strays_in_words
from .options import (
    CHOSEN,
    OUTPUT,
    REMEMBERED,
    Chosen,
    Flag,
    Output,
    Remembered,
)
from .orders_store import (
    WITHIN,
    OrdersError,
    Settlement,
    advice,
    chosen,
    find,
    for_machines,
    forget_seen,
    in_words,
    listed,
    moment,
    opened,
    stamp,
    state_in_words,
    under_way,
)
from .output import CommandResult, UsageError, one_line, rows


# `app.run` reads "output".
# ruff: noqa: ARG001

orders_app = App(
    name="orders",
    help_epilogue="""\
Examples:

  sesamy orders list --state UNKNOWN --state CLAIMED
  sesamy orders show A-4711
  sesamy orders settle --help
""",
)

orders_app.command(
    f"{__package__}.orders_import:import_app",
    name="import",
    help="Record orders in the store that were sent without it.",
)


@orders_app.command(
    help_epilogue="""\
Examples:

  sesamy orders show A-4711
  sesamy orders show A-4711 --vendor acme --json

Exit codes: 0 shown; 1 the store does not know the order, or can't be used;
2 an option is wrong, or several orders have this id.
"""
)
def show(order: str, /, *, options: Chosen = CHOSEN) -> CommandResult:
    """Show what happened to an order.

    Args:
        order: The externalOrderId.
        options: Which store, and whose orders.
    """
    with opened(options) as store:
        record = find(store, order, options)
        name = name_of(store)
    facts = {
        "contract": record.contract_id,
        "first by": record.source,
        "begun": moment(record.begun_at),
        "strays": strays_in_words(record.strays),
        "seen": stamp(record),
        "vendor": record.key.vendor_id,
        "where": record.key.where,
        "store": name,
    }
    return CommandResult(
        f"Order {order!r}: {state_in_words(record)}.",
        {**for_machines(record), "store": name},
        (*rows(**facts), *advice(record)),
    )


_MOST_SHOWN = 100


@orders_app.command(
    name="list",
    help_epilogue="""\
Examples:

  sesamy orders list --state UNKNOWN --state CLAIMED
  sesamy orders list --since 2d --limit 500
  sesamy orders list --since 2026-11-12 --json | jq .count

Without --json, the 100 orders that changed last are listed by default.
Exit codes: 0 listed; 1 the store can't be used; 2 an option is wrong.
""",
)
def list_orders(
    *,
    since: str | None = None,
    state: Annotated[
        list[OrderState] | None, Parameter(negative="", show_default=False)
    ] = None,
    limit: Annotated[int | None, Parameter(validator=Number(gte=1))] = None,
    options: Chosen = CHOSEN,
) -> CommandResult:
    """List orders; the one that changed last comes first.

    Args:
        since: Only orders that changed since then: a date in UTC, or an age
            such as 2d or 12h.
        state: Only orders in this state; may be repeated. Somebody may have
            to check orders that are UNKNOWN, or CLAIMED by a call that was
            cut off.
        limit: The largest number of orders to list.
        options: Which store, and whose orders.
    """
    after = 0.0 if since is None else _beginning(since)
    counts = Counter[str]()
    places = set[tuple[str, str]]()

    def counted() -> Iterator[OrderRecord]:
        with opened(options) as store:
            known = store.entries(
                since=after, states=state or tuple(OrderState), within=WITHIN
            )
            for each in chosen(known, options):
                counts[each.state] += 1
                places.add((each.key.where, each.key.vendor_id))
                yield each

    most = limit or (sys.maxsize if options.as_json else _MOST_SHOWN)
    latest = heapq.nlargest(most, counted(), key=attrgetter("at"))
    total = counts.total()
    more = total - len(latest)
    told = ", ".join(
        f"{number:,} {name.lower()}" for name, number in counts.items()
    )
    rest = f"  and {more:,} more; --limit {total} lists them all"
    return CommandResult(
        f"{_orders(total)}{f': {told}' if told else ''}.",
        {
            "count": total,
            "states": dict(counts),
            "orders": [for_machines(each) for each in latest],
        },
        (*listed(latest, places), *([rest] if more else [])),
    )


@orders_app.command(
    help_epilogue="""\
Examples:

  sesamy orders forget A-4711 --yes

Exit codes: 0 it is forgotten; 1 the store does not know it, a call for it
may be under way, or the store can't be used; 2 --yes is missing, an option
is wrong, or several orders have this id.
"""
)
def forget(
    order: str,
    /,
    *,
    yes: Flag = False,
    seen: str | None = None,
    options: Chosen = CHOSEN,
) -> CommandResult:
    """Forget an order: if it is sent again, it gets a new contract.

    Args:
        order: The externalOrderId.
        yes: Forget it without asking.
        seen: What "show" printed as "seen"; if the order has changed since
            then, it is not forgotten.
        options: Which store, and whose orders.
    """
    with opened(options) as store:
        record = find(store, order, options, seen)
        if record.busy:
            raise OrdersError(f"Order {order!r} {under_way(record)}.")
        again = "If it has a contract and is sent again, it gets a second one."
        if record.state is OrderState.REFUSED:
            again = "Sesamy refused it, so it can be sent again in any case."
        elif record.contract_id:
            again = (
                f"Sesamy keeps its contract {one_line(record.contract_id)}; "
                "if the order is sent again, it gets a second one."
            )
        if not yes:
            raise UsageError(
                f"Order {order!r}: {in_words(record)}. {again} Give --yes "
                "to forget it."
            )
        forget_seen(store, record)
    return CommandResult(
        f"Order {order!r} is forgotten. {again}",
        {"forgotten": for_machines(record)},
    )


_PURGING = 600.0


@orders_app.command(
    help_epilogue="""\
Examples:

  sesamy orders purge --older-than 400d
  sesamy orders purge --older-than 400d --yes

Orders that are in doubt or not completed are kept. Exit codes: 0 removed;
1 the store can't be used; 2 --yes is missing, or an option is wrong.
"""
)
def purge(
    *, older_than: str, yes: Flag = False, options: Remembered = REMEMBERED
) -> CommandResult:
    """Remove old orders that are confirmed or refused, of all vendors.

    An order that was removed gets a second contract if it is sent again:
    keep orders for as long as somebody may import an old file.

    Args:
        older_than: Orders that have not changed for this long, such as
            400d.
        yes: Remove them without asking.
        options: Which store.
    """
    seconds = _age("--older-than", older_than)
    with opened(options) as store:
        if not yes:
            before = time.time() - seconds
            ended = store.entries(states=ENDED, within=WITHIN)
            old = sum(each.at < before for each in ended)
            raise UsageError(
                f"{_orders(old)} of {name_of(store)}, confirmed or refused, "
                "would be removed: if one is sent again, it gets a second "
                "contract. Give --yes to remove them."
            )
        removed = store.purge(seconds, within=_PURGING)
    return CommandResult(
        f"{_orders(removed)}, confirmed or refused, removed.",
        {"removed": removed},
    )


@orders_app.command(
    help_epilogue="""\
Examples:

  sesamy orders settle A-4711 --created 5f0c2a
  sesamy orders settle A-4711 --created 5f0c2a --confirmed
  sesamy orders settle A-4712 --not-created --seen 3fa9c1d2

Exit codes: 0 it is settled, for all who share the store; 1 it can't be
settled like this, or not yet, or the store does not know it or can't be
used; 2 an option is wrong, or several orders have this id.
"""
)
def settle(
    order: str,
    /,
    *,
    created: str | None = None,
    confirmed: Flag = False,
    not_created: Flag = False,
    seen: str | None = None,
    options: Chosen = CHOSEN,
) -> CommandResult:
    """Record whether an order in doubt has a contract.

    Check with Sesamy first: the next call for the order relies on it.

    Args:
        order: The externalOrderId.
        created: The id of its contract.
        confirmed: The contract already gives access.
        not_created: It certainly has no contract.
        seen: What "show" printed as "seen" before you checked with Sesamy;
            if the order has changed since then, it is not settled.
        options: Which store, and whose orders.
    """
    if (created is not None) == not_created or (confirmed and not_created):
        raise UsageError(
            "Say what you found: --created CONTRACT_ID, with --confirmed if "
            "it gives access, or --not-created."
        )
    if created is not None:
        segment("--created", created)
    with opened(options) as store:
        record = find(store, order, options, seen)
        settling = Settlement(
            key=record.key,
            seen=record,
            contract_id=created,
            confirmed=confirmed,
        )
        if problem := settling.against(store):
            raise OrdersError(f"Order {order!r} {problem}.")
        now = settling.settle(store)
    if now is None:
        return CommandResult(
            f"Order {order!r} is settled: it has no contract, and can be "
            "sent again.",
            {**for_machines(record), "state": None, "busy": 0},
        )
    return CommandResult(
        f"Order {order!r} is settled: {in_words(now)}.",
        for_machines(now),
        advice(now),
    )


@orders_app.command(
    help_epilogue="""\
Examples:

  sesamy orders schema
  sesamy orders schema | psql

Exit codes: 0 printed; 2 the extra "postgres" is not installed.
"""
)
def schema(*, output: Output = OUTPUT) -> CommandResult:
    """Print the tables of a store in Postgres, as SQL.

    A store creates them itself if it has the permission.

    Args:
        output: The options that all commands share.
    """
    try:
        from sesamy_async.idempotency import PostgresStore  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            "The store in Postgres needs an extra: pip install "
            "'sesamy-async[postgres]'."
        ) from error
    # It connects when it is used, so any place does.
    sql = PostgresStore("postgresql://localhost").schema.strip()
    return CommandResult(sql, {"schema": sql}, is_program=True)


_AGE = re.compile(r"(\d{1,6})([hd])")
_SECONDS = {"h": 3_600.0, "d": 86_400.0}


def _age(option: str, text: str) -> float:
    found = _AGE.fullmatch(text)
    if found is None:
        raise UsageError(f"{option} must be an age such as 400d or 12h.")
    return int(found[1]) * _SECONDS[found[2]]


def _beginning(since: str) -> float:
    if _AGE.fullmatch(since):
        return time.time() - _age("--since", since)
    try:
        given = datetime.fromisoformat(since)
    except ValueError:
        raise UsageError(
            "--since must be a date such as 2026-11-12, in UTC, or an age "
            "such as 2d or 12h."
        ) from None
    return given.replace(tzinfo=given.tzinfo or UTC).timestamp()


def _orders(number: int) -> str:
    return f"{number:,} order{'' if number == 1 else 's'}"
