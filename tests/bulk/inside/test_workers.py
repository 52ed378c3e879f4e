"""Which order a worker takes, when it pauses, and when it gives up."""

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
    Tally,
    Trouble,
    Verdict,
)
from sesamy_async.bulk._counts import Meter
from sesamy_async.bulk._workers import (
    ALL_REFUSED,
    FIRST_PAUSE,
    LONGEST_COSTLY_PAUSE,
    LONGEST_PAUSE,
    PAUSE,
    Circuit,
    RetryQueue,
    Workers,
)
from support.import_world import Hurried
from support.wire import ORDER


def claim(row: int, strays: int = 0) -> Claim:
    """Return an order of a row."""
    entry = Entry(
        row=row, order_id=f"A-{row}", state=State.PENDING, strays=strays
    )
    return Claim(entry, Sale(order=ORDER))


CLAIM = claim(2)


def tried(queue: RetryQueue) -> list[Claim | None]:
    """Let an order fail three times; return what is due after each."""
    found: list[Claim | None] = []
    for _ in range(3):
        queue.add(CLAIM, 0.0)
        found.append(queue.due(1e9))
    return found


def test_an_order_is_tried_three_times() -> None:
    """The third failure in one run is the last one."""
    assert [CLAIM, CLAIM, None] == tried(RetryQueue())


def test_a_try_comes_after_a_pause() -> None:
    """The second try waits for a pause, the third one for two."""
    queue = RetryQueue()
    before = queue.wait(0.0), queue.due(1e9)
    queue.add(CLAIM, 0.0)
    first = queue.wait(0.0), queue.due(PAUSE - 1), queue.due(PAUSE)
    queue.add(CLAIM, 100.0)

    assert (None, None) == before
    assert (PAUSE, None, CLAIM) == first
    assert (2 * PAUSE, 0.0) == (queue.wait(100.0), queue.wait(200.0))


@pytest.mark.parametrize("kept", [True, False])
def test_tries_begin_anew(*, kept: bool) -> None:
    """They do for an order that went through, or failed in an outage."""
    queue = RetryQueue()
    tried(queue)
    if kept:
        queue.keep(CLAIM, 5.0)
        assert CLAIM == queue.due(5.0)
    else:
        queue.forget(CLAIM)

    assert [CLAIM, CLAIM, None] == tried(queue)


def test_the_earliest_is_due_first() -> None:
    """Those that are due come in the order of their time."""
    queue, soon = RetryQueue(), claim(3)
    queue.add(CLAIM, 5.0)
    queue.keep(soon, 1.0)

    assert [soon, CLAIM] == [queue.due(1e9), queue.due(1e9)]


OUTAGE = Trouble(Cause.OUTAGE, "503")
UNREACHABLE = Trouble(Cause.UNREACHABLE, "no route")
REFUSED = Trouble(Cause.REFUSED, "wrong secret")


def running(patience: float = 3600.0, *, costly: bool = False) -> Circuit:
    """Return the circuit of a run in which something worked at 100 s."""
    circuit = Circuit(0.0, patience, costly=costly)
    circuit.worked(100.0)
    return circuit


def fail(circuit: Circuit, times: int, trouble: Trouble = OUTAGE) -> None:
    """Let so many orders fail, one after the other."""
    for _ in range(times):
        circuit.failed(100.0, trouble)


@pytest.mark.parametrize(
    ("trouble", "costly", "enough"),
    [
        (OUTAGE, False, 5),
        (UNREACHABLE, False, 5),
        (REFUSED, False, 1),
        # Each failure is for a person to look at.
        (OUTAGE, True, 1),
    ],
)
def test_it_opens(trouble: Trouble, enough: int, *, costly: bool) -> None:
    """So many failures in a row open it; those under way add no pause."""
    circuit = running(costly=costly)
    for _ in range(2):
        fail(circuit, enough - 1, trouble)
        assert circuit.trouble is None
        circuit.worked(100.0)
    fail(circuit, enough, trouble)
    at_first = circuit.wait(100.0)
    fail(circuit, 4, trouble)

    assert (FIRST_PAUSE, FIRST_PAUSE, trouble, None) == (
        at_first,
        circuit.wait(100.0),
        circuit.trouble,
        circuit.over,
    )


def test_one_probe_at_a_time() -> None:
    """After the pause, one may go, or pass on; the others look again."""
    circuit = running()
    fail(circuit, 5)
    waits = [circuit.wait(each) for each in (100.75, 101.0, 101.0)]
    circuit.pass_on()
    waits.append(circuit.wait(101.0))

    assert [0.25, 0.0, 1.0, 0.0] == waits


def test_a_probe_that_works_closes_it() -> None:
    """All go on, and the next outage begins with the first pause."""
    circuit = running()
    fail(circuit, 5)
    circuit.wait(101.0)
    circuit.failed(101.0, OUTAGE)
    longer = circuit.wait(101.0), circuit.wait(103.0)
    circuit.worked(103.0)
    waits = [circuit.wait(103.0) for _ in range(2)]
    fail(circuit, 4)
    before = circuit.trouble
    circuit.failed(104.0, OUTAGE)

    assert (2.0, 0.0) == longer
    assert ([0.0, 0.0], None) == (waits, before)
    assert FIRST_PAUSE == circuit.wait(104.0)


@pytest.mark.parametrize(
    ("costly", "longest"),
    [(False, LONGEST_PAUSE), (True, LONGEST_COSTLY_PAUSE)],
)
def test_pauses_grow(longest: float, *, costly: bool) -> None:
    """Each failed probe doubles the pause, up to a bound."""
    circuit = running(1e9, costly=costly)
    fail(circuit, 5)
    now, pauses = 100.0, []
    for _ in range(12):
        pause = circuit.wait(now)
        pauses.append(pause)
        now += pause
        circuit.wait(now)
        circuit.failed(now, OUTAGE)

    assert [min(2.0**n, longest) for n in range(12)] == pauses


@pytest.mark.parametrize(("late", "over"), [(9.9, None), (10.0, OUTAGE)])
def test_patience_ends(late: float, over: Trouble | None) -> None:
    """It gives up when nothing has worked for as long as its patience."""
    circuit = running(10.0)
    fail(circuit, 5)
    circuit.wait(100.0 + late)
    circuit.failed(100.0 + late, OUTAGE)

    assert over is circuit.over


@pytest.mark.parametrize(
    ("trouble", "failures", "now", "over"),
    [
        (REFUSED, 1, 0.0, True),
        (UNREACHABLE, 4, 9.0, False),
        (UNREACHABLE, 5, 9.0, True),
        (OUTAGE, 5, 29.9, False),
        (OUTAGE, 5, 30.0, True),
    ],
)
def test_nothing_ever_worked(
    trouble: Trouble, failures: int, now: float, *, over: bool
) -> None:
    """At the start there is nothing to wait for, but a server's hiccup."""
    circuit = Circuit(0.0, 3600.0)
    for _ in range(failures):
        circuit.failed(now, trouble)

    assert over is (circuit.over is not None)


@pytest.mark.parametrize(("now", "over"), [(2.9, False), (3.0, True)])
def test_nothing_ever_worked_and_little_patience(
    now: float, *, over: bool
) -> None:
    """It does not wait longer than it was told to."""
    circuit = Circuit(0.0, 3.0)
    for _ in range(5):
        circuit.failed(now, OUTAGE)

    assert over is (circuit.over is not None)


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


@pytest.mark.parametrize("trouble", [None, OUTAGE])
async def test_the_last_trouble_is_kept(trouble: Trouble | None) -> None:
    """It is why orders are left over; where all goes well, there is none."""
    ends = [ended(2, State.PENDING, trouble)] if trouble else []
    steps = Scripted([claim(2)], [*ends, ended(2, State.REJECTED)])
    workers = crew(steps, Moves(1))
    await workers.run(1)

    assert (0, False, None, trouble and trouble.text) == (
        workers.in_flight,
        workers.stopping,
        workers.broken,
        workers.last,
    )


async def test_an_order_knows_what_it_has_left() -> None:
    """Strays of a try, and of its intents, count in the next one."""
    again = ended(2, State.PENDING, OUTAGE, strays=3)
    steps = Scripted(
        [claim(2, strays=2)], [again, ended(2, State.REJECTED)], lost=(0, 1, 1)
    )
    await crew(steps, Moves(1)).run(1)

    assert [2, 2 + 2 + 3] == [each.entry.strays for each in steps.sent]


@pytest.mark.parametrize("troubled", [False, True])
async def test_which_order_is_next(*, troubled: bool) -> None:
    """What is due again goes first; in trouble, a fresh order is sent."""
    steps = Scripted(
        [claim(2), claim(3), claim(4)],
        [
            ended(2, State.PENDING, OUTAGE),
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
