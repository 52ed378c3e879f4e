"""``orders`` shows what the store knows, and settles doubts."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from sesamy_async import idempotency
from sesamy_async.idempotency import (
    Holder,
    OrderKey,
    OrderRecord,
    OrderState,
    SQLiteStore,
)
from support.command_line import CommandLine, Ran, own_store


WHERE = "https://api.sesamy.com"
AT = 1794492180.0
"""12 November 2026 at 14:03 UTC."""

WITHIN = 5.0
EVIL = "x\n\x1b]0;evil"
SHOWN = r"x\n\x1b]0;evil"


@pytest.fixture
def store() -> Iterator[SQLiteStore]:
    """Return the store that the command has by default."""
    with closing(SQLiteStore(own_store())) as store:
        yield store


def bring(
    store: SQLiteStore,
    order: str,
    state: OrderState,
    *,
    vendor: str = "acme",
    where: str = WHERE,
    **more: Any,
) -> None:
    """Bring an order into a state."""
    facts: dict[str, Any] = {"begun_at": AT, "at": AT, "claimed_at": AT}
    made = {OrderState.CREATED, OrderState.CONFIRMED}
    if state in made:
        facts["contract_id"] = f"c-{order}"
    key = OrderKey(where, vendor, order)
    record = OrderRecord(key=key, state=state, **(facts | more))
    [answer] = store.adopt([record], within=WITHIN)

    assert answer.done


def look(store: SQLiteStore, order: str) -> OrderRecord | None:
    """Return what the store knows of an order."""
    key = OrderKey(WHERE, "acme", order)
    return store.look([key], within=WITHIN).get(key)


@pytest.fixture
def orders(store: SQLiteStore) -> SQLiteStore:
    """Return a store with an order in each state."""
    bring(store, "A-1", OrderState.CONFIRMED, source="orders-17.csv", strays=1)
    bring(store, "A-2", OrderState.CREATED)
    bring(store, "A-3", OrderState.REFUSED)
    bring(store, "A-4", OrderState.UNKNOWN, careful=True)
    bring(store, "A-5", OrderState.CLAIMED, strays=2)
    bring(store, "A-6", OrderState.CLAIMED, careful=True)
    return store


def test_show(sesamy: CommandLine, orders: SQLiteStore) -> None:
    """People see how far it has come, and all that is known."""
    seen = sesamy("orders", "show", "A-1", "--json").json["seen"]
    assert sesamy("orders", "show", "A-1") == Ran(
        0,
        "Order 'A-1': confirmed on 12 November 2026 at 14:03 UTC.\n"
        "  contract  c-A-1\n"
        "  first by  orders-17.csv\n"
        "  begun     12 November 2026 at 14:03 UTC\n"
        "  strays    1 at most (unconfirmed contracts, which give no access)"
        "\n"
        f"  seen      {seen}\n"
        "  vendor    acme\n"
        f"  where     {WHERE}\n"
        f"  store     {orders.path}\n",
        "",
    )


def test_show_for_machines(sesamy: CommandLine, orders: SQLiteStore) -> None:
    """Machines get the same, without digest and token."""
    told = sesamy("orders", "show", "A-1", "--json").json
    assert 8 == len(told.pop("seen"))
    assert told == {
        "external_order_id": "A-1",
        "vendor_id": "acme",
        "where": WHERE,
        "state": "CONFIRMED",
        "contract_id": "c-A-1",
        "strays": 1,
        "source": "orders-17.csv",
        "begun_at": "2026-11-12T14:03:00+00:00",
        "changed_at": "2026-11-12T14:03:00+00:00",
        "busy": 0,
        "store": str(orders.path),
    }


@pytest.mark.parametrize(
    ("order", "said", "todo"),
    [
        ("A-2", "created on 12 Nov", "that confirms this contract."),
        (
            "A-3",
            "refused by Sesamy on",
            "Correct it; then it can be sent again.",
        ),
        ("A-4", "in doubt since 12 Nov", "sesamy orders settle --help."),
        ("A-5", "cut off since 12 Nov", "again: that completes it."),
        ("A-6", "cut off since 12 Nov", "sesamy orders settle --help."),
    ],
)
@pytest.mark.usefixtures("orders")
def test_what_to_do(
    sesamy: CommandLine, order: str, said: str, todo: str
) -> None:
    """Each state has its words, and says what to do."""
    ran = sesamy("orders", "show", order)

    assert said in ran.out
    assert ran.out.endswith(f"{todo}\n")


@pytest.fixture
def busy(store: SQLiteStore) -> SQLiteStore:
    """Return a store with an order that is being sent."""
    key = OrderKey(WHERE, "acme", "B-1")
    store.claim(key, Holder(token=TOKEN, busy=90.0), within=WITHIN)
    return store


# Seconds pass while the tests run.
BUSY = re.compile(
    r"under way for [89]\d s more: wait, then run this command again"
)
TOKEN = "t"


@pytest.mark.parametrize(
    "command",
    [
        ("forget", "B-1"),
        ("forget", "B-1", "--yes"),
        ("settle", "B-1", "--not-created"),
        ("settle", "B-1", "--created", "c1"),
        ("settle", "B-1", "--created", "c1", "--confirmed"),
    ],
)
def test_under_way(
    sesamy: CommandLine, busy: SQLiteStore, command: tuple[str, ...]
) -> None:
    """While a call may be under way, nothing is forgotten or settled."""
    before = look(busy, "B-1")
    ran = sesamy("orders", *command)

    assert 1 == ran.code
    assert BUSY.search(ran.err)
    assert ran.err.endswith("Nothing was changed.\n")
    assert before == look(busy, "B-1")


def test_in_doubt_and_under_way(
    sesamy: CommandLine, busy: SQLiteStore
) -> None:
    """Only a contract that gives access counts before calls have ended."""
    key = OrderKey(WHERE, "acme", "B-1")
    busy.mark(key, OrderState.UNKNOWN, token=TOKEN, within=WITHIN)
    settle = ("orders", "settle", "B-1")
    none = sesamy(*settle, "--not-created")
    made = sesamy(*settle, "--created", "c1")
    found = sesamy(*settle, "--created", "c1", "--confirmed")

    assert (1, 1, 0) == (none.code, made.code, found.code)
    assert BUSY.search(none.err)
    assert BUSY.search(made.err)


@pytest.mark.usefixtures("orders")
def test_seen(sesamy: CommandLine) -> None:
    """An order that has changed since it was shown is left as it is."""
    seen = sesamy("orders", "show", "A-3", "--json").json["seen"]
    other = sesamy("orders", "forget", "A-3", "--yes", "--seen", "0" * 8)
    settled = sesamy(
        "orders", "settle", "A-3", "--not-created", "--seen", "0" * 8
    )
    same = sesamy("orders", "forget", "A-3", "--yes", "--seen", seen)

    assert (1, 1, 0) == (other.code, settled.code, same.code)
    assert "has changed since it was shown" in other.err


def test_sent_while_it_is_forgotten(
    sesamy: CommandLine, orders: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that is sent again just before is not forgotten."""
    forget = SQLiteStore.forget

    def late(store: SQLiteStore, seen: OrderRecord, *, within: float) -> Any:
        holder = Holder(token=TOKEN, busy=90.0)
        store.claim(seen.key, holder, within=within)
        return forget(store, seen, within=within)

    monkeypatch.setattr(SQLiteStore, "forget", late)
    ran = sesamy("orders", "forget", "A-3", "--yes")

    assert 1 == ran.code
    assert "has changed since it was shown" in ran.err
    assert look(orders, "A-3") is not None


@pytest.mark.usefixtures("busy")
def test_show_under_way(sesamy: CommandLine) -> None:
    """It is said how long a call may be under way."""
    ran, machines = (
        sesamy("orders", "show", "B-1"),
        sesamy("orders", "show", "B-1", "--json"),
    )

    assert "Order 'B-1': being sent since" in ran.out
    assert BUSY.search(ran.out)
    assert 90 == machines.json["busy"]


def test_list(sesamy: CommandLine, store: SQLiteStore) -> None:
    """People see a line for each order, the latest at the top."""
    bring(store, "A-2", OrderState.UNKNOWN)
    bring(
        store,
        "A-1",
        OrderState.CONFIRMED,
        at=AT + 60,
        source="orders-17.csv",
        strays=1,
    )

    assert sesamy("orders", "list").out == (
        "2 orders: 1 confirmed, 1 unknown.\n"
        "  'A-1': confirmed on 12 November 2026 at 14:04 UTC, contract c-A-1"
        ", first by orders-17.csv, 1 stray may be left\n"
        "  'A-2': in doubt since 12 November 2026 at 14:03 UTC\n"
    )


@pytest.mark.usefixtures("orders")
def test_list_some(sesamy: CommandLine) -> None:
    """States and a number can be chosen; the counts are those of all."""
    chosen = ("--state", "UNKNOWN", "--state", "refused")
    ran = sesamy("orders", "list", *chosen, "--json").json
    few = sesamy("orders", "list", "--limit", 4)

    assert {"count": 2, "states": {"REFUSED": 1, "UNKNOWN": 1}} == {
        name: ran[name] for name in ("count", "states")
    }
    assert ["A-3", "A-4"] == [
        each["external_order_id"] for each in ran["orders"]
    ]
    assert 6 == few.out.count("\n")
    assert few.out.endswith("  and 2 more; --limit 6 lists them all\n")


@pytest.mark.parametrize(
    ("since", "found"),
    [
        ("2026-11-12", 2),
        ("2026-11-12T14:03:30", 1),
        ("2026-11-12T15:03:30+01:00", 1),
        ("2026-11-13", 0),
        ("1h", 0),
        ("9999d", 2),
    ],
)
def test_since(
    sesamy: CommandLine, store: SQLiteStore, since: str, found: int
) -> None:
    """Dates are of UTC; ages are counted from now."""
    bring(store, "A-1", OrderState.CONFIRMED)
    bring(store, "A-2", OrderState.CONFIRMED, at=AT + 60)
    now = time.time

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: AT + 7_200)
        ran = sesamy("orders", "list", "--since", since, "--json")

    assert time.time is now
    assert found == ran.json["count"]


@pytest.mark.parametrize(
    "command",
    [
        ("list", "--since", "soon"),
        ("list", "--since", "2d3h"),
        ("list", "--limit", "0"),
        ("list", "--idempotency", "none"),
        ("purge", "--older-than", "2026-11-12"),
        ("show", "A-1", "--where", "x", "--base-url", "https://x.example"),
        ("settle", "A-1"),
        ("settle", "A-1", "--confirmed"),
        ("settle", "A-1", "--not-created", "--confirmed"),
        ("settle", "A-1", "--not-created", "--created", "c1"),
        ("settle", "A-1", "--created", "c/\n"),
    ],
)
@pytest.mark.usefixtures("orders")
def test_usage(sesamy: CommandLine, command: tuple[str, ...]) -> None:
    """A wrong option is exit code 2."""
    assert (2, "") == sesamy("orders", *command)[:2]


def test_no_store(sesamy: CommandLine) -> None:
    """A store that is not there is not made: its name may be misspelt."""
    ran = sesamy("orders", "list")

    assert 1 == ran.code
    assert f"There is no store of orders at {own_store()}." in ran.err
    assert not own_store().exists()


def test_a_damaged_store(sesamy: CommandLine) -> None:
    """A store that can't be used is exit code 1."""
    own_store().parent.mkdir(parents=True)
    own_store().write_text("no database" * 100)
    ran = sesamy("orders", "list")

    assert 1 == ran.code
    assert ran.err.endswith("Nothing was changed.\n")


def test_several(sesamy: CommandLine, store: SQLiteStore) -> None:
    """If an id is ambiguous, all are listed; options choose one."""
    bring(store, "A-1", OrderState.CONFIRMED)
    bring(store, "A-1", OrderState.REFUSED, vendor="other")
    bring(store, "A-1", OrderState.UNKNOWN, where="sandbox 1a")
    show = ("orders", "show", "A-1", "--json")
    ran = sesamy(*show)
    elsewhere = ("--vendor", "acme", "--base-url", f"{WHERE}:443/")

    assert 2 == ran.code
    assert (
        f"3 orders have the id 'A-1': vendor 'acme' at '{WHERE}'; vendor "
        f"'other' at '{WHERE}'; vendor 'acme' at 'sandbox 1a'. Choose one"
    ) in ran.json["error"]["message"]
    assert "REFUSED" == sesamy(*show, "--vendor", "other").json["state"]
    assert "UNKNOWN" == sesamy(*show, "--where", "sandbox 1a").json["state"]
    assert "CONFIRMED" == sesamy(*show, *elsewhere).json["state"]
    assert "at 'sandbox 1a')\n" in sesamy("orders", "list").out


def test_environment(
    sesamy: CommandLine,
    orders: SQLiteStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Vendor and place are those of the environment, if it has some."""
    monkeypatch.setenv("SESAMY_VENDOR_ID", "other")
    monkeypatch.setenv("SESAMY_BASE_URL", "https://x.example")
    ran = sesamy("orders", "show", "A-1")
    listed = sesamy("orders", "list", "--json")

    assert (1, 0) == (ran.code, listed.json["count"])
    assert (
        f"{orders.path} does not know order 'A-1' of vendor 'other' at "
        f"'https://x.example'; it knows one of vendor 'acme' at '{WHERE}'."
    ) in ran.err


@pytest.mark.usefixtures("orders")
def test_not_known(sesamy: CommandLine) -> None:
    """An order that the store does not know is exit code 1."""
    ran = sesamy("orders", "show", "nope")

    assert 1 == ran.code
    assert "does not know order 'nope'. Nothing was" in ran.err


@pytest.mark.parametrize(
    ("order", "warning"),
    [
        ("A-1", "Sesamy keeps its contract c-A-1; if the order is sent"),
        ("A-3", "Sesamy refused it, so it can be sent again in any case."),
        ("A-4", "If it has a contract and is sent again, it gets a second"),
    ],
)
def test_forget(
    sesamy: CommandLine, orders: SQLiteStore, order: str, warning: str
) -> None:
    """It says what that means, and wants a yes."""
    asked = sesamy("orders", "forget", order)
    kept = look(orders, order)
    ran = sesamy("orders", "forget", order, "--yes")

    assert (2, 0) == (asked.code, ran.code)
    assert kept is not None
    assert warning in asked.err
    assert warning in ran.out
    assert look(orders, order) is None


def test_purge(sesamy: CommandLine, orders: SQLiteStore) -> None:
    """Only what has ended is removed, after a yes."""
    command = ("orders", "purge", "--older-than", "0d")
    asked = sesamy(*command)
    ran = sesamy(*command, "--yes", "--json")

    assert (2, 0) == (asked.code, ran.code)
    assert f"2 orders of {orders.path}, confirmed or refused" in asked.err
    assert {"removed": 2} == ran.json
    assert None is look(orders, "A-1") is look(orders, "A-3")
    assert 4 == sesamy("orders", "list", "--json").json["count"]


def test_purge_keeps_the_recent(
    sesamy: CommandLine, store: SQLiteStore
) -> None:
    """What has changed since stays."""
    bring(store, "A-1", OrderState.CONFIRMED, at=time.time() - 3_600)
    command = ("orders", "purge", "--older-than", "2h")
    asked, ran = sesamy(*command), sesamy(*command, "--yes")

    assert "0 orders of" in asked.err
    assert ran.out == "0 orders, confirmed or refused, removed.\n"


@pytest.mark.parametrize("order", ["A-4", "A-6"])
@pytest.mark.parametrize(
    ("found", "state", "said"),
    [
        (("--created", "c9"), "CREATED", "that confirms this contract.\n"),
        (("--created", "c9", "--confirmed"), "CONFIRMED", ", contract c9.\n"),
    ],
)
def test_settle(
    sesamy: CommandLine,
    orders: SQLiteStore,
    order: str,
    found: tuple[str, ...],
    *,
    state: str,
    said: str,
) -> None:
    """What was found counts for all who share the store."""
    ran = sesamy("orders", "settle", order, *found)
    now = look(orders, order)

    assert 0 == ran.code
    assert ran.out.startswith(f"Order {order!r} is settled: {state.lower()}")
    assert ran.out.endswith(said)
    assert now is not None
    assert (state, "c9", AT) == (now.state, now.contract_id, now.begun_at)
    assert now.at > AT


def test_settle_keeps_the_digest(
    sesamy: CommandLine, store: SQLiteStore
) -> None:
    """Other data are still noticed afterwards."""
    bring(store, "A-1", OrderState.UNKNOWN, digest="1:ab")
    sesamy("orders", "settle", "A-1", "--created", "c9")
    now = look(store, "A-1")

    assert now is not None
    assert "1:ab" == now.digest


def test_settle_as_not_created(
    sesamy: CommandLine, orders: SQLiteStore
) -> None:
    """Then it can be sent again."""
    ran = sesamy("orders", "settle", "A-4", "--not-created", "--json")

    assert (0, None) == (ran.code, ran.json["state"])
    assert look(orders, "A-4") is None


def test_settle_twice(sesamy: CommandLine, orders: SQLiteStore) -> None:
    """It may be repeated, and a contract be found to be confirmed later."""
    settle = ("orders", "settle", "A-2", "--created", "c-A-2")
    ran = [sesamy(*settle, *more) for more in ((), (), ("--confirmed",))]
    again = sesamy(*settle, "--confirmed")
    now = look(orders, "A-2")

    assert [0, 0, 0, 0] == [each.code for each in (*ran, again)]
    assert now is not None
    assert OrderState.CONFIRMED is now.state


@pytest.mark.parametrize(
    ("order", "found", "said"),
    [
        ("A-1", ("--not-created",), "contract c-A-1, which gives access, as"),
        ("A-2", ("--not-created",), "c-A-2, which may give access, as"),
        ("A-1", ("--created", "c9"), "contract c-A-1, which gives access, as"),
        (
            "A-4",
            ("--created", "c-A-1"),
            "can't have the contract of order 'A-1'",
        ),
    ],
)
def test_contradictions(
    sesamy: CommandLine,
    orders: SQLiteStore,
    order: str,
    found: tuple[str, ...],
    said: str,
) -> None:
    """What the store knows better is not changed."""
    before = look(orders, order)
    ran = sesamy("orders", "settle", order, *found)

    assert 1 == ran.code
    assert said in ran.err
    assert before == look(orders, order)


def test_nothing_steers_the_terminal(
    sesamy: CommandLine, store: SQLiteStore
) -> None:
    """Control characters, of whatever is shown, are escaped."""
    evil = {"vendor": EVIL, "where": EVIL, "source": EVIL}
    bring(store, EVIL, OrderState.CONFIRMED, contract_id=EVIL, **evil)
    ran = [
        sesamy("orders", "list"),
        sesamy("orders", "show", EVIL),
        sesamy("orders", "show", EVIL, "--vendor", "x"),
        sesamy("orders", "settle", EVIL, "--created", "c9"),
        sesamy("orders", "forget", EVIL),
    ]
    told = "".join(f"{each.out}{each.err}" for each in ran)

    assert [0, 0, 1, 1, 2] == [each.code for each in ran]
    assert all(SHOWN in f"{each.out}{each.err}" for each in ran)
    assert "\x1b" not in told
    assert not any(line.startswith("\\x1b") for line in told.splitlines())


def test_schema(sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tables of Postgres are printed as they are."""

    def with_schema(_: str) -> SimpleNamespace:
        return SimpleNamespace(schema="\nCREATE TABLE x ();\n")

    monkeypatch.setitem(vars(idempotency), "PostgresStore", with_schema)

    assert sesamy("orders", "schema") == Ran(0, "CREATE TABLE x ();\n", "")


def test_schema_without_the_extra(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the extra is missing, it is said how to get it."""
    module = f"{idempotency.__name__}._postgres"
    monkeypatch.delitem(vars(idempotency), "PostgresStore", raising=False)
    monkeypatch.setitem(sys.modules, module, None)
    ran = sesamy("orders", "schema")

    assert 2 == ran.code
    assert "pip install 'sesamy-async[postgres]'" in ran.err
