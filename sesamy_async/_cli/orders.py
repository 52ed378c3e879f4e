"""``sesamy orders``: look into the store of orders, and settle doubts."""

from __future__ import annotations

import heapq
import math
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from operator import attrgetter
from typing import Annotated, Any

import attrs
from cyclopts import App, Parameter
from cyclopts.validators import Number

from sesamy_async._checks import segment
from sesamy_async._once import place_of
from sesamy_async._settings import SettingsSource
from sesamy_async.errors import ConfigurationError, SesamyError
from sesamy_async.idempotency import (
    ENDED,
    IdempotencyStore,
    OrderKey,
    OrderRecord,
    OrderState,
    SQLiteStore,
    StoreUnavailable,
    dump_record,
)

from .client import base_url, name_of, store_of_orders, vendor_of
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
from .output import CommandResult, UsageError, rows


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
        record = _found(store, order, options)
        name = name_of(store)
    held, source = record.contract_id, record.source
    facts = rows(
        contract=held and _one_line(held),
        **{"first by": source and _one_line(source)},
        begun=moment(record.begun_at),
        strays=strays_in_words(record.strays),
        seen=_stamp(record),
        vendor=_one_line(record.key.vendor_id),
        where=_one_line(record.key.where),
        store=name,
    )
    return CommandResult(
        f"Order {order!r}: {_state_in_words(record)}.",
        {**_for_machines(record), "store": name},
        (*facts, *_advice(record)),
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
            for each in _chosen(known, options):
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
            "orders": [_for_machines(each) for each in latest],
        },
        (*_listed(latest, places), *([rest] if more else [])),
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
        record = _found(store, order, options)
        _check_seen(record, seen)
        if record.busy:
            raise OrdersError(f"Order {order!r} {_under_way(record)}.")
        again = "If it has a contract and is sent again, it gets a second one."
        if record.state is OrderState.REFUSED:
            again = "Sesamy refused it, so it can be sent again in any case."
        elif record.contract_id:
            again = (
                f"Sesamy keeps its contract {_one_line(record.contract_id)}; "
                "if the order is sent again, it gets a second one."
            )
        if not yes:
            raise UsageError(
                f"Order {order!r}: {_in_words(record)}. {again} Give --yes "
                "to forget it."
            )
        _forget(store, record)
    return CommandResult(
        f"Order {order!r} is forgotten. {again}",
        {"forgotten": _for_machines(record)},
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
        record = _found(store, order, options)
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
            {**_for_machines(record), "state": None, "busy": 0},
        )
    return CommandResult(
        f"Order {order!r} is settled: {_in_words(now)}.",
        _for_machines(now),
        _advice(now),
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


# Which store, and which of its orders


WITHIN = 10.0
"""Seconds for one request to the store."""


class OrdersError(SesamyError):
    """The store of orders can't show or do what was asked for."""

    def _advice(self) -> str:
        return "Nothing was changed."


@contextmanager
def opened(
    options: Remembered, *, new: bool = False
) -> Generator[IdempotencyStore]:
    """Yield the store that options name; only if it exists, or is `new`."""
    store = store_of_orders(options.idempotency)
    if store is None:
        raise UsageError(
            'There is no store of orders: --idempotency is "none".'
        )
    if isinstance(store, SQLiteStore) and not (new or store.path.exists()):
        # To create an empty one would hide that its name is misspelt.
        raise OrdersError(f"There is no store of orders at {store.path}.")
    with closing(store):
        try:
            yield store
        except StoreUnavailable as error:
            # Its advice is for orders that are sent.
            raise OrdersError(str(error.args[0])) from error


def choice(options: Chosen) -> tuple[str | None, str | None]:
    """Return the vendor and the place that options ask for, if any."""
    vendor, where = vendor_of(options), options.where
    if where is not None and options.base_url is not None:
        raise UsageError("Give either --where or --base-url.")
    source = SettingsSource(os.environ)
    given = source.optional("--base-url", options.base_url, "SESAMY_BASE_URL")
    if where is None and given is not None:
        where = place_of(base_url(options))
    return vendor, where


def _chosen(
    records: Iterator[OrderRecord], options: Chosen
) -> Iterator[OrderRecord]:
    vendor, where = choice(options)
    for each in records:
        key = each.key
        if vendor in {None, key.vendor_id} and where in {None, key.where}:
            yield each


def _found(
    store: IdempotencyStore, order: str, options: Chosen
) -> OrderRecord:
    """Return the only order that has an id."""
    known = [*store.entries(external_order_id=order, within=WITHIN)]
    fitting = [*_chosen(iter(known), options)]
    if len(fitting) == 1:
        return fitting[0]
    listed = [_place_in_words(each.key) for each in fitting or known]
    places = "; ".join(listed)
    if fitting:
        raise UsageError(
            f"{len(fitting)} orders have the id {order!r}: {places}. Choose "
            "one with --vendor, --base-url or --where.",
            problems=listed,
        )
    vendor, where = choice(options)
    asked = (
        f" of vendor {vendor!r}" if vendor else "",
        f" at {where!r}" if where else "",
    )
    raise OrdersError(
        f"{name_of(store)} does not know order {order!r}{''.join(asked)}"
        f"{f'; it knows one of {places}' if known else ''}."
    )


# Settling


@attrs.frozen(kw_only=True)
class Found:
    """What somebody has found out about an order."""

    key: OrderKey
    seen: OrderRecord | None  # What the store knew of it before.
    contract_id: str | None  # None if it certainly has no contract.
    confirmed: bool
    source: str | None = None  # Counts if the store does not know it.

    def against(self, store: IdempotencyStore) -> str:
        """Return what a store says against it, after the order's id."""
        seen, contract, key = self.seen, self.contract_id, self.key
        if seen is not None and seen.contract_id not in {None, contract}:
            confirmed = seen.state is OrderState.CONFIRMED
            return (
                f"has contract {_one_line(seen.contract_id or '')}, which "
                f"{'gives' if confirmed else 'may give'} access, as the "
                "store of orders says. If that is wrong, forget the order "
                "first (sesamy orders forget --help)"
            )
        if contract is not None:
            owner = store.holder(
                key.where, key.vendor_id, contract, within=WITHIN
            )
            if owner is not None and owner.key != key:
                other = owner.key.external_order_id
                return (
                    f"can't have the contract of order {other!r}, as the "
                    "store of orders says"
                )
        if seen is None or not seen.busy or seen.contract_id is not None:
            return ""
        # A contract that gives access counts whatever a lost call has done.
        certain = self.confirmed and seen.state is OrderState.UNKNOWN
        return "" if certain else _under_way(seen)

    def settle(self, store: IdempotencyStore) -> OrderRecord | None:
        """Tell a store; return what it knows then."""
        key, seen, contract = self.key, self.seen, self.contract_id
        if contract is None:
            if seen is not None:
                _forget(store, seen)
            return None
        state = OrderState.CONFIRMED if self.confirmed else OrderState.CREATED
        known = attrs.evolve(
            seen or OrderRecord(key=key, state=state, source=self.source),
            state=state,
            contract_id=contract,
            at=0.0,
        )
        # It is adopted only where the store knows nothing better.
        [answer] = store.adopt([known], within=WITHIN)
        if not answer.done and self.confirmed:
            answer = store.mark(
                key, state, token="", contract_id=contract, within=WITHIN
            )
        now = answer.record
        if now is None or now.contract_id != contract:
            raise _changed_since(key)
        return now


def _forget(store: IdempotencyStore, seen: OrderRecord) -> None:
    answer = store.forget(seen, within=WITHIN)
    if not answer.done and answer.record is not None:
        raise _changed_since(seen.key)


def _check_seen(record: OrderRecord, seen: str | None) -> None:
    """Refuse to change an order that is not as somebody has seen it."""
    if seen is not None and seen != _stamp(record):
        raise _changed_since(record.key)


def _changed_since(key: OrderKey) -> OrdersError:
    return OrdersError(
        f"Order {key.external_order_id!r} has changed since it was shown. "
        "Show it again, and check with Sesamy again."
    )


def _under_way(record: OrderRecord) -> str:
    """Return why an order can't be settled yet, after its id."""
    return (
        f"has a call that may be under way for {_wait(record)} s more: wait, "
        "then run this command again"
    )


# What the store knows: in words, and for machines


def _in_words(record: OrderRecord) -> str:
    """Return all that matters of an order, on one line."""
    source = record.source and f"first by {_one_line(record.source)}"
    contract = (
        record.contract_id and f"contract {_one_line(record.contract_id)}"
    )
    some = "stray" if record.strays == 1 else "strays"
    strays = record.strays and f"{record.strays} {some} may be left"
    parts = (_state_in_words(record), contract, source, strays)
    return ", ".join(each for each in parts if each)


def _state_in_words(record: OrderRecord) -> str:
    """Return how far an order has come, and since when."""
    at = moment(record.at)
    if record.state is OrderState.CONFIRMED:
        return f"confirmed on {at}"
    if record.state is OrderState.REFUSED:
        return f"refused by Sesamy on {at}"
    if record.state is OrderState.CREATED:
        return f"created on {at} and perhaps not confirmed"
    if record.state is OrderState.UNKNOWN:
        return f"in doubt since {at}"
    since = moment(record.claimed_at)
    return f"{'being sent' if record.busy else 'cut off'} since {since}"


def _advice(record: OrderRecord) -> tuple[str, ...]:
    """Return a line on what to do, if anything."""
    todo = (
        "Check whether Sesamy has a contract for it, and record what you "
        "find: sesamy orders settle --help."
    )
    if record.busy:
        todo = (
            f"A call for it may be under way for {_wait(record)} s more: "
            "wait, then run this command again."
        )
    elif record.state is OrderState.CREATED:
        todo = "Onboard or import it again: that confirms this contract."
    elif record.state is OrderState.REFUSED:
        todo = "Correct it; then it can be sent again."
    elif record.state is OrderState.CONFIRMED:
        return ()
    elif record.state is OrderState.CLAIMED and not record.careful:
        todo = "Onboard or import it again: that completes it."
    return (f"  {todo}",)


def _wait(record: OrderRecord) -> int:
    """Return the seconds for which a call may be under way."""
    return math.ceil(record.busy)


def _listed(
    records: Sequence[OrderRecord], places: Collection[tuple[str, str]]
) -> Iterator[str]:
    """Yield a line for each order; with its place if there are several."""
    for each in records:
        place = f" ({_place_in_words(each.key)})" if len(places) > 1 else ""
        yield f"  {each.key.external_order_id!r}: {_in_words(each)}{place}"


def _place_in_words(key: OrderKey) -> str:
    return f"vendor {key.vendor_id!r} at {key.where!r}"


def _for_machines(record: OrderRecord) -> dict[str, Any]:
    """Return what is known of an order, without anything personal."""
    return {
        "external_order_id": record.key.external_order_id,
        "vendor_id": record.key.vendor_id,
        "where": record.key.where,
        "state": str(record.state),
        "contract_id": record.contract_id,
        "strays": record.strays,
        "source": record.source,
        "begun_at": _iso(record.begun_at),
        "changed_at": _iso(record.at),
        "busy": _wait(record),
        "seen": _stamp(record),
    }


def _stamp(record: OrderRecord) -> str:
    """Return what changes with each change of an order."""
    return sha256(dump_record(record).encode()).hexdigest()[:8]


def moment(at: float) -> str:
    """Return a time for people."""
    told = datetime.fromtimestamp(at, UTC)
    return f"{told.day} {told:%B %Y at %H:%M} UTC"


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _one_line(text: str) -> str:
    """Return a text that can't begin a new line."""
    return text.replace("\n", "\\n")


def _orders(number: int) -> str:
    return f"{number:,} order{'' if number == 1 else 's'}"


_AGE = re.compile(r"(\d{1,6})([hd])")
_SECONDS = {"h": 3_600.0, "d": 86_400.0}


def _age(option: str, text: str) -> float:
    """Return the seconds of an age such as 400d or 12h."""
    found = _AGE.fullmatch(text)
    if found is None:
        raise UsageError(f"{option} must be an age such as 400d or 12h.")
    return int(found[1]) * _SECONDS[found[2]]


def _beginning(since: str) -> float:
    """Return the time that a date or an age means."""
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
