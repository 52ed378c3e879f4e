"""Which order a worker takes, and what it tells the others of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

import attrs
import pytest

from sesamy_async.bulk import (
    Cause,
    Change,
    Claim,
    Confirm,
    Entry,
    Sale,
    State,
    Steps,
    Trouble,
    Verdict,
)
from sesamy_async.bulk._counts import Meter, Tally
from sesamy_async.bulk._workers import ALL_REFUSED, PAUSE, Circuit, Workers
from support.import_world import Hurried
from support.wire import ORDER


TROUBLE = Trouble(Cause.OUTAGE, "503")


def claim(row: int, strays: int = 0) -> Claim:
    """Return an order of a row."""
    entry = Entry(
        row=row, order_id=f"A-{row}", state=State.PENDING, strays=strays
    )
    return Claim(entry, Sale(order=ORDER))


def ended(
    row: int, state: State, trouble: Trouble | None = None, strays: int = 0
) -> Verdict:
    """Return what became of an order."""
    change = Change(
        row=row,
        state=state,
        contract_id="c1" if state is State.CREATED else None,
        reason="Said so.",
        strays=strays,
    )
    return Verdict(change=change, trouble=trouble)


@attrs.define
class Scripted(Steps):
    """Steps that claim and end as they are told.

    Attributes:
        claims: What is claimed, one after the other.
        verdicts: How each order that is sent ends, one after the other.
        seconds: How long each of them takes.
        runtime: Its time is that of the workers.
        sent: What was sent.
        recorded: What was written down of which order.
        lost: Attempts that were lost before each intent of a try.
    """

    claims: list[Claim]
    verdicts: list[Verdict]
    seconds: float = 0.0
    runtime: Hurried = attrs.field(factory=Hurried)
    sent: list[Claim] = attrs.field(factory=list[Claim])
    recorded: list[tuple[Claim, Change]] = attrs.field(
        factory=list[tuple[Claim, Change]]
    )
    lost: tuple[int, ...] = ()

    async def claim(self) -> Claim | None:
        """Return the next order."""
        return self.claims.pop(0) if self.claims else None

    async def record_intent(self, claim: Claim, lost: int) -> None:
        """Write nothing down."""
        del claim, lost

    async def send(
        self, claim: Claim, intent: Callable[[int], Awaitable[None]]
    ) -> Verdict:
        """Return the next end."""
        self.sent.append(claim)
        for lost in self.lost:
            await intent(lost)
        self.runtime.time += self.seconds
        return self.verdicts.pop(0)

    async def record_outcome(self, claim: Claim, change: Change) -> None:
        """Note what became of it."""
        self.recorded.append((claim, change))


class Moves(Tally):
    """A tally that knows from where to where rows went."""

    def __init__(self, rows: int) -> None:
        super().__init__(Counter({State.PENDING: rows}), 0, Confirm.SEPARATELY)
        self.seen: list[tuple[State, State]] = []

    def move(self, before: State, change: Change) -> None:
        """Note it."""
        super().move(before, change)
        self.seen.append((before, change.state))


def crew(
    steps: Scripted, tally: Tally, circuit: Circuit | None = None
) -> Workers:
    """Return workers whose time is not waited for."""
    now = steps.runtime.now()
    circuit = circuit or Circuit(now, 3600.0)
    return Workers(
        steps, tally, circuit, Meter(now), steps.runtime, first=True
    )


async def test_what_is_written_down() -> None:
    """Each end is written down for the order as it was when it was sent."""
    created = ended(2, State.CREATED, strays=1)
    confirmed = ended(2, State.CONFIRMED)
    steps = Scripted([claim(2)], [created, confirmed])
    tally = Moves(1)
    await crew(steps, tally).run(1)
    first, second = steps.sent

    assert [
        (first, created.change),
        (second, confirmed.change),
    ] == steps.recorded
    assert [
        (State.PENDING, State.CREATED),
        (State.CREATED, State.CONFIRMED),
    ] == tally.seen


async def test_nothing_is_in_the_way() -> None:
    """Where all goes well, there is nothing to tell of the end."""
    workers = crew(Scripted([claim(2)], [ended(2, State.REJECTED)]), Moves(1))
    await workers.run(1)

    assert (0, False, None, None) == (
        workers.in_flight,
        workers.stopping,
        workers.broken,
        workers.last,
    )


async def test_an_order_knows_what_it_has_left() -> None:
    """Strays of a try count in the next one: a conflict may be theirs."""
    again = ended(2, State.PENDING, TROUBLE, strays=3)
    steps = Scripted([claim(2, strays=2)], [again, ended(2, State.REJECTED)])
    await crew(steps, Moves(1)).run(1)

    assert [2, 5] == [each.entry.strays for each in steps.sent]


async def test_lost_attempts_of_a_try_count_in_the_next_one() -> None:
    """Those that were written down with an intent are strays as well."""
    again = ended(2, State.PENDING, TROUBLE, strays=3)
    steps = Scripted(
        [claim(2, strays=2)], [again, ended(2, State.REJECTED)], lost=(0, 1, 1)
    )
    await crew(steps, Moves(1)).run(1)

    assert [2, 2 + 2 + 3] == [each.entry.strays for each in steps.sent]


async def test_the_last_trouble_is_kept() -> None:
    """Where orders are left over, it is why."""
    steps = Scripted(
        [claim(2)],
        [ended(2, State.PENDING, TROUBLE), ended(2, State.CONFIRMED)],
    )
    workers = crew(steps, Moves(1))
    await workers.run(1)

    assert TROUBLE.text == workers.last


@pytest.mark.parametrize("troubled", [False, True])
async def test_which_order_is_next(*, troubled: bool) -> None:
    """What is due again goes first; in trouble, a fresh order is sent."""
    steps = Scripted(
        [claim(2), claim(3), claim(4)],
        [
            ended(2, State.PENDING, TROUBLE),
            ended(3, State.CONFIRMED),
            ended(2, State.CONFIRMED),
            ended(4, State.CONFIRMED),
        ],
        seconds=PAUSE,
    )
    now = steps.runtime.now()
    circuit = Circuit(now, 3600.0, costly=troubled)
    circuit.worked(now)
    await crew(steps, Moves(3), circuit).run(1)

    assert [2, 3, 2, 4] == [each.entry.row for each in steps.sent]


async def test_all_are_refused() -> None:
    """Where the first ones are all refused, it says what to do."""
    rows = range(2, 2 + ALL_REFUSED)
    circuit = Circuit(1000.0, 3600.0)
    steps = Scripted(
        [claim(row) for row in [*rows, 99]],
        [ended(row, State.REJECTED) for row in rows],
    )
    await crew(steps, Moves(len(rows) + 1), circuit).run(1)

    assert circuit.over == Trouble(
        Cause.REFUSED,
        "All of the first 10 orders were refused, the last one so: Said so. "
        "No contract was made. If the promo code is wrong, purge the journal "
        "and begin anew; if these orders are, the same command goes on with "
        "the others.",
    )
