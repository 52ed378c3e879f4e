"""What a back end gives to the tests that all of them must pass."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from secrets import token_hex
from threading import Barrier, Thread
from typing import Any, TypeVar

import attrs

from sesamy_async.idempotency import (
    Holder,
    IdempotencyStore,
    OrderKey,
    OrderRecord,
    OrderState,
    StoreAnswer,
)


WITHIN = 20.0
AHEAD = 3_600.0
_PATIENCE = 120.0

_T = TypeVar("_T")

_RACER = """
import json, sys
from idempotency.bench import claim_all
from sesamy_async.idempotency import store_from_url
store = store_from_url(sys.argv[1])
store.salt(within=60)
print("ready", flush=True)
sys.stdin.readline()
print(json.dumps(claim_all(store, sys.argv[2], int(sys.argv[3]))))
store.close()
"""


class Clock:
    """Time that passes only when it is told to."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        """Return Unix seconds."""
        return self.now

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@attrs.frozen
class Bench:
    """A store, as two processes have it.

    Attributes:
        one: A handle on the store.
        other: Another handle on the same data.
        wait: Lets seconds pass on the clock of the store.
        short: How long a short claim lasts; it runs out within the test.
        url: By which other processes reach the store, if they can.
        where: The place of the orders of one test.
    """

    one: IdempotencyStore
    other: IdempotencyStore
    wait: Callable[[float], None]
    short: float = 5.0
    url: str | None = None
    where: str = attrs.field(
        factory=lambda: f"https://{token_hex(4)}.test/api"
    )

    def key(self, order_id: str = "o-1", vendor_id: str = "shop") -> OrderKey:
        """Name an order."""
        return OrderKey(self.where, vendor_id, order_id)

    def holder(self, **more: Any) -> Holder:
        """Return a holder whose claim outlasts the test."""
        given: dict[str, Any] = {
            "token": token_hex(8),
            "lasts": AHEAD,
            "busy": AHEAD,
            **more,
        }
        return Holder(**given)

    def brief(self, **more: Any) -> Holder:
        """Return a holder whose claim and call end within the test."""
        return self.holder(lasts=self.short, busy=self.short, **more)

    def pass_by(self) -> None:
        """Let a short claim run out."""
        self.wait(self.short * 1.2)

    def claim(self, key: OrderKey, holder: Holder) -> OrderRecord:
        """Claim an order, which must be possible."""
        answer = self.one.claim(key, holder, within=WITHIN)
        assert answer.done
        assert answer.record is not None
        return answer.record

    def create(self, key: OrderKey, contract_id: str = "c-1") -> OrderRecord:
        """Make an order CREATED."""
        holder = self.holder()
        self.claim(key, holder)
        return first(self.one, key, holder, contract_id)

    def confirm(self, key: OrderKey, contract_id: str = "c-1") -> OrderRecord:
        """Make an order CONFIRMED."""
        self.create(key, contract_id)
        answer = self.one.mark(
            key,
            OrderState.CONFIRMED,
            token="any",
            contract_id=contract_id,
            within=WITHIN,
        )
        assert answer.record is not None
        return answer.record

    def end(
        self, key: OrderKey, state: OrderState, **more: Any
    ) -> OrderRecord:
        """Claim an order, and mark it REFUSED or UNKNOWN."""
        holder = self.brief(**more)
        self.claim(key, holder)
        answer = self.one.mark(key, state, token=holder.token, within=WITHIN)
        assert answer.done
        assert answer.record is not None
        return answer.record

    def forget(self, key: OrderKey) -> StoreAnswer:
        """Forget an order as it is now."""
        seen = self.found(key)
        assert seen is not None
        return self.other.forget(seen, within=WITHIN)

    def found(self, key: OrderKey) -> OrderRecord | None:
        """Look an order up by the other handle."""
        return self.other.look([key], within=WITHIN).get(key)

    def entries(self, **filters: Any) -> list[OrderRecord]:
        """Return the orders of this test."""
        return [
            each
            for each in self.other.entries(within=WITHIN, **filters)
            if each.key.where == self.where
        ]


def first(
    store: IdempotencyStore, key: OrderKey, holder: Holder, contract_id: str
) -> OrderRecord:
    """Write down a contract, which must count."""
    answer = store.first(
        key,
        holder,
        contract_id,
        confirmed=False,
        shared=False,
        within=WITHIN,
    )
    assert answer.done
    assert answer.record is not None
    return answer.record


def at_once(count: int, do: Callable[[int], _T]) -> list[_T]:
    """Do something in many threads that begin together."""
    results: dict[int, _T] = {}
    barrier = Barrier(count)

    def run(number: int) -> None:
        barrier.wait(_PATIENCE)
        results[number] = do(number)

    threads = [Thread(target=run, args=(each,)) for each in range(count)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(_PATIENCE)
    return [results[each] for each in range(count)]


def claim_all(store: IdempotencyStore, where: str, count: int) -> list[int]:
    """Claim orders, and write a contract down for those that it gets."""
    won: list[int] = []
    for number in range(count):
        key = OrderKey(where, "shop", f"o-{number}")
        holder = Holder(token=token_hex(8), lasts=AHEAD, busy=AHEAD)
        if store.claim(key, holder, within=_PATIENCE).done:
            won.append(number)
            first(store, key, holder, f"c-{number}-{holder.token}")
    return won


def race(url: str, where: str, count: int, processes: int) -> list[list[int]]:
    """Let processes claim the same orders; return which each one got."""
    command = [sys.executable, "-c", _RACER, url, where, str(count)]
    started = [
        subprocess.Popen(  # noqa: S603 - our own words
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    for each in started:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    return [_won(each) for each in _told(started)]


def _told(
    started: Sequence[subprocess.Popen[str]],
) -> Sequence[subprocess.Popen[str]]:
    for each in started:
        assert each.stdin is not None
        each.stdin.write("go\n")
        each.stdin.flush()
    return started


def _won(process: subprocess.Popen[str]) -> list[int]:
    out, _ = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 0
    won: list[int] = json.loads(out)
    return won
