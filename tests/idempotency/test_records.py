"""Records as a back end keeps them."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest

from sesamy_async.idempotency import (
    Holder,
    MemoryStore,
    OrderKey,
    OrderRecord,
    OrderState,
    StoreAnswer,
    StoreUnavailable,
    Write,
    dump_record,
    load_record,
)


KEY = OrderKey("https://api.test", "shop", "o-1")
FULL = OrderRecord(
    key=KEY,
    state=OrderState.CREATED,
    contract_id="c-1",
    careful=True,
    token="t",
    digest="1:a",
    strays=2,
    claimed_at=1.5,
    expires_at=2.5,
    busy_until=3.5,
    begun_at=4.5,
    at=5.5,
    source="ö.csv",
    extra={"later": {"a": [1, None]}},
    read_at=6.5,
)


@pytest.mark.parametrize(
    "record", [FULL, OrderRecord(key=KEY, state=OrderState.UNKNOWN)]
)
def test_come_back_as_they_were(record: OrderRecord) -> None:
    """A record survives its text, whatever a later version added."""
    text = dump_record(record)

    for each in (text, text.encode()):
        loaded = load_record(KEY, each, 7.5)

        assert record == loaded
        assert 7.5 == loaded.read_at
        assert type(record.state) is type(loaded.state)


def test_name_no_key() -> None:
    """The text holds no key, and nothing that is not known."""
    known = json.loads(
        dump_record(OrderRecord(key=KEY, state=OrderState.UNKNOWN))
    )

    assert {"key", "extra", "read_at", "contract_id", "token"}.isdisjoint(
        known
    )


def test_take_no_more_room_than_they_need() -> None:
    """There may be millions, so their text has no blanks."""
    assert " " not in dump_record(FULL)


def test_write_what_they_know_over_what_another_version_added() -> None:
    """What this version knows is never taken from `extra`."""
    record = attrs.evolve(FULL, extra={"state": "PAUSED", "more": 1})

    assert "CREATED" == json.loads(dump_record(record))["state"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "1", "null", "{}", '{"state":"PAUSED"}', '{"state":[]}', "\0"],
)
def test_are_not_guessed_at(text: str) -> None:
    """What can't be read may be of a later version, and is told so."""
    with pytest.raises(StoreUnavailable) as caught:
        load_record(KEY, text, 1.0)

    assert (
        "The store of orders contains an order that this version of "
        "sesamy-async can't read. If a later version wrote it, use that "
        "version; otherwise the store is damaged."
    ) == caught.value.args[0]


def test_bytes_that_are_no_text_are_told() -> None:
    """What is damaged shows nothing of itself."""
    with pytest.raises(StoreUnavailable) as caught:
        load_record(KEY, b"\xff\xfe anna", 1.0)

    assert "anna" not in str(caught.value)
    assert caught.value.__context__ is None


def test_can_be_sent_elsewhere() -> None:
    """A record can be pickled, such as into another process."""
    assert FULL == pickle.loads(pickle.dumps(FULL))  # noqa: S301


class Timed(MemoryStore):
    """A store that notes how much it is asked, and how long it may take."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[int, float]] = []

    def write(
        self, writes: Sequence[Write], *, within: float
    ) -> list[StoreAnswer]:
        """Take steps."""
        self.told.append((len(writes), within))
        return super().write(writes, within=within)

    def read(
        self, keys: Sequence[OrderKey], *, within: float
    ) -> list[OrderRecord]:
        """Return records."""
        self.told.append((len(keys), within))
        return super().read(keys, within=within)


ONE = [(1, 2.5)]
HOLDER = Holder(token="t")
MANY = [OrderKey("https://api.test", "shop", f"o-{n}") for n in range(501)]
METHODS: dict[str, tuple[Callable[[Timed], Any], list[tuple[int, float]]]] = {
    "claim": (lambda store: store.claim(KEY, HOLDER, within=2.5), ONE),
    "renew": (
        lambda store: store.renew(KEY, HOLDER, strays=0, within=2.5),
        ONE,
    ),
    "first": (
        lambda store: store.first(
            *(KEY, HOLDER, "c-2"), confirmed=False, shared=False, within=2.5
        ),
        ONE,
    ),
    "mark": (
        lambda store: store.mark(
            KEY, OrderState.UNKNOWN, token="t", within=2.5
        ),
        ONE,
    ),
    "release": (
        lambda store: store.release(KEY, token="t", strays=0, within=2.5),
        ONE,
    ),
    "forget": (lambda store: store.forget(FULL, within=2.5), ONE),
    "holder": (
        lambda store: store.holder(KEY.where, "shop", "c-1", within=2.5),
        ONE,
    ),
    "entries": (lambda store: [*store.entries(within=2.5)], ONE),
    "look": (
        lambda store: store.look(MANY, within=2.5),
        [(500, 2.5), (1, 2.5)],
    ),
    "adopt": (
        lambda store: store.adopt(
            [attrs.evolve(FULL, key=key) for key in MANY], within=2.5
        ),
        [(500, 2.5), (1, 2.5)],
    ),
}


@pytest.mark.parametrize("method", METHODS)
def test_are_asked_for_in_time(method: str) -> None:
    """A back end is told how long it may take, and never asked too much."""
    store = Timed()
    store.adopt([FULL], within=1.0)
    store.told.clear()
    ask, told = METHODS[method]
    ask(store)

    assert told == store.told
