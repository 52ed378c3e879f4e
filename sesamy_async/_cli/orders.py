"""``sesamy orders``: look into the store of orders, and settle doubts."""

from __future__ import annotations

import heapq
import time
from collections import Counter
from collections.abc import Iterator
from typing import Annotated

from cyclopts import App, Parameter
from cyclopts.validators import Number

from sesamy_async._checks import segment
from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import ENDED, OrderRecord, OrderState

from .client import name_of
from .options import (
    CHOSEN,
    OUTPUT,
    REMEMBERED,
    Chosen,
    Flag,
    Output,
    Remembered,
)
from .orders_found import WITHIN, OrdersError, chosen, found, opened
from .orders_settling import Found, changed_since, under_way
from .orders_settling import forget as forget_in
from .orders_words import (
    advice,
    age,
    beginning,
    facts,
    for_machines,
    in_words,
    listed,
    one_line,
    stamp,
    state_in_words,
)
from .output import CommandResult, UsageError


# `app.run` reads "output".
# ruff: noqa: ARG001

orders_app = App(
    name="orders",
    help_epilogue="""\
Examples:

  sesamy orders list --state UNKNOWN
  sesamy orders show A-4711
  sesamy orders settle --help
""",
)

orders_app.command(
    f"{__package__}.orders_import:import_app",
    name="import",
    help="Record orders in the store that were sent without it.",
)

_PURGING = 600.0


@orders_app.command(
    help_epilogue="""\
Examples:

  sesamy orders show A-4711
  sesamy orders show A-4711 --vendor acme --json

Exit codes: 0 shown; 1 the store does not know it, or can't be used; 2 an
option is wrong, or several orders have this id.
"""
)
def show(order: str, /, *, options: Chosen = CHOSEN) -> CommandResult:
    """Show what became of an order.

    Args:
        order: The externalOrderId.
        options: Which store, and whose orders.
    """
    with opened(options) as store:
        record = found(store, order, options)
        name = name_of(store)
    return CommandResult(
        f"Order {order!r}: {state_in_words(record)}.",
        {**for_machines(record), "store": name},
        (*facts(record, name), *_advised(record)),
    )


@orders_app.command(
    name="list",
    help_epilogue="""\
Examples:

  sesamy orders list --state UNKNOWN
  sesamy orders list --since 2d --limit 500
  sesamy orders list --since 2026-11-12 --json | jq .count

The text output has the 100 that changed last, --json all. Exit codes:
0 listed; 1 the store can't be used; 2 an option is wrong.
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
    """List orders, those that changed last first.

    Args:
        since: Only those that changed since: a date in UTC, or an age such
            as 2d or 12h.
        state: Only those in this state; may be repeated.
        limit: The largest number of orders to list.
        options: Which store, and whose orders.
    """
    after = 0.0 if since is None else beginning("--since", since, time.time())
    counts = Counter[str]()
    places = set[tuple[str, str]]()

    def counted() -> Iterator[OrderRecord]:
        with opened(options) as store:
            for each in chosen(
                store.entries(
                    since=after,
                    states=state or tuple(OrderState),
                    within=WITHIN,
                ),
                options,
            ):
                counts[each.state] += 1
                places.add((each.key.where, each.key.vendor_id))
                yield each

    most = limit or (None if options.as_json else _MOST_SHOWN)
    latest = (
        sorted(counted(), key=_changed, reverse=True)
        if most is None
        else heapq.nlargest(most, counted(), key=_changed)
    )
    more = counts.total() - len(latest)
    told = ", ".join(
        f"{number:,} {name.lower()}" for name, number in counts.items()
    )
    rest = f"  and {more:,} more; --limit {counts.total()} lists them all"
    return CommandResult(
        f"{_orders(counts.total())}{f': {told}' if told else ''}.",
        {
            "count": counts.total(),
            "states": dict(counts),
            "orders": [for_machines(each) for each in latest],
        },
        (*listed(latest, places), *([rest] if more else [])),
    )


_MOST_SHOWN = 100


def _changed(record: OrderRecord) -> float:
    return record.at


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
    """Forget an order: when it is sent again, it gets a new contract.

    Args:
        order: The externalOrderId.
        yes: Forget it; do not ask.
        seen: What "show" said under "seen"; if the order has changed since,
            it is not forgotten.
        options: Which store, and whose orders.
    """
    with opened(options) as store:
        record = found(store, order, options)
        _check_seen(record, seen)
        if record.busy:
            raise OrdersError(f"Order {order!r} {under_way(record)}.")
        again = (
            f"Its contract {one_line(record.contract_id)} stays with Sesamy; "
            "if the order is sent again, it gets a second one."
            if record.contract_id
            else "If Sesamy has a contract of it, and it is sent again, it "
            "gets a second one."
        )
        if record.state is OrderState.REFUSED:
            again = "Sesamy refused it, so it can be sent again in any case."
        if not yes:
            raise UsageError(
                f"Order {order!r}: {in_words(record)}. {again} Give --yes to "
                "forget it."
            )
        forget_in(store, record)
    return CommandResult(
        f"Order {order!r} is forgotten. {again}",
        {"forgotten": for_machines(record)},
    )


@orders_app.command(
    help_epilogue="""\
Examples:

  sesamy orders purge --older-than 400d
  sesamy orders purge --older-than 400d --yes

Orders that are in doubt or not completed stay. Exit codes: 0 they are
removed; 1 the store can't be used; 2 --yes is missing, or an option is
wrong.
"""
)
def purge(
    *, older_than: str, yes: Flag = False, options: Remembered = REMEMBERED
) -> CommandResult:
    """Remove orders that have ended long ago, of all vendors.

    What is removed gets a second contract if it is sent again: keep orders
    for longer than anybody may import an old file.

    Args:
        older_than: Those that have not changed for so long, such as 400d.
        yes: Remove them; do not ask.
        options: Which store.
    """
    seconds = age("--older-than", older_than)
    with opened(options) as store:
        if not yes:
            before = time.time() - seconds
            ended = store.entries(states=ENDED, within=WITHIN)
            old = sum(each.at < before for each in ended)
            raise UsageError(
                f"{_orders(old)} of {name_of(store)}, confirmed or refused, "
                f"would be removed: if one is sent again, it gets a second "
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
settled so, or not yet, or the store does not know it or can't be used; 2 an
option is wrong, or several orders have this id.
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

    Look at Sesamy first: whoever sends the order next relies on it.

    Args:
        order: The externalOrderId.
        created: The id of its contract.
        confirmed: That contract gives access already.
        not_created: It certainly has no contract.
        seen: What "show" said under "seen" before you looked at Sesamy; if
            the order has changed since, it is not settled.
        options: Which store, and whose orders.
    """
    if (created is not None) == not_created or (confirmed and not_created):
        raise UsageError(
            "Say what was found: --created CONTRACT_ID, perhaps with "
            "--confirmed, or --not-created."
        )
    if created is not None:
        segment("--created", created)
    with opened(options) as store:
        record = found(store, order, options)
        _check_seen(record, seen)
        settling = Found(
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
        _advised(now),
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

    A store makes them itself if it may.

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


def _advised(record: OrderRecord) -> tuple[str, ...]:
    todo = advice(record)
    return () if todo is None else (f"  {todo}",)


def _check_seen(record: OrderRecord, seen: str | None) -> None:
    """Refuse to settle what is not as somebody has seen it."""
    if seen is not None and seen != stamp(record):
        raise changed_since(record.key)


def _orders(number: int) -> str:
    return f"{number:,} order{'' if number == 1 else 's'}"
