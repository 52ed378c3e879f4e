"""Which order a worker takes, when it pauses, and when it gives up."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from itertools import chain, pairwise, repeat
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import (
    Change,
    Ending,
    Entry,
    Importer,
    ImportSummary,
    Sale,
    State,
)
from sesamy_async.bulk._circuit import (
    FIRST_PAUSE,
    LONGEST_COSTLY_PAUSE,
    LONGEST_PAUSE,
    Circuit,
    RetryQueue,
)
from sesamy_async.bulk._judge import Cause, Claim, Trouble, Verdict
from sesamy_async.bulk._steps import Steps
from support.import_world import Hurried, World
from support.sources import listed
from support.wire import ORDER


def claim(row: int) -> Claim:
    """Return an order of a row."""
    entry = Entry(row=row, order_id=f"A-{row}", state=State.PENDING)
    return Claim(entry, Sale(order=ORDER))


CLAIM = claim(2)


def tried(queue: RetryQueue) -> list[Claim | None]:
    """Let an order fail three times; return what is taken after each."""
    found: list[Claim | None] = []
    for _ in range(3):
        queue.add(CLAIM)
        found.append(queue.take())
    return found


@pytest.mark.parametrize("kept", [True, False])
def test_three_tries(*, kept: bool) -> None:
    """An order has three, and again after an outage or a success."""
    queue = RetryQueue()

    assert [CLAIM, CLAIM, None] == tried(queue)

    if kept:
        queue.add(CLAIM, outage=True)
        assert CLAIM == queue.take()
    else:
        queue.forget(CLAIM)

    assert [CLAIM, CLAIM, None] == tried(queue)


def test_the_first_to_fail_is_first() -> None:
    """Orders come in the order in which they failed."""
    queue, second, third = RetryQueue(), claim(3), claim(1)
    queue.add(CLAIM)
    queue.add(second, outage=True)
    queue.add(third)
    found = [queue.take() for _ in range(4)]

    assert [CLAIM, second, third, None] == found


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


@pytest.mark.parametrize(
    ("trouble", "patience", "failures", "now", "worked", "over"),
    [
        (REFUSED, 3600.0, 1, 0.0, None, True),
        (UNREACHABLE, 3600.0, 4, 9.0, None, False),
        (UNREACHABLE, 3600.0, 5, 9.0, None, True),
        (OUTAGE, 3600.0, 5, 29.9, None, False),
        (OUTAGE, 3600.0, 5, 30.0, None, True),
        (OUTAGE, 3.0, 5, 2.9, None, False),
        (OUTAGE, 3.0, 5, 3.0, None, True),
        # If anything has worked, its patience counts from then.
        (REFUSED, 10.0, 1, 109.9, 100.0, False),
        (OUTAGE, 10.0, 5, 110.0, 100.0, True),
    ],
)
def test_it_gives_up(
    trouble: Trouble,
    patience: float,
    failures: int,
    now: float,
    worked: float | None,
    *,
    over: bool,
) -> None:
    """At the start it does so soon: after 30 seconds of an outage."""
    circuit = Circuit(0.0, patience)
    if worked is not None:
        circuit.worked(worked)
    for _ in range(failures):
        circuit.failed(now, trouble)

    assert over is (circuit.over is not None)


def ended(row: int, state: State, trouble: Trouble | None = None) -> Verdict:
    """Return what became of an order."""
    return Verdict(change=Change(row=row, state=state), trouble=trouble)


@attrs.define
class Scripted(Steps):
    """Steps that claim and end as scripted.

    Attributes:
        claims: What is claimed, one after the other.
        verdicts: How each order that is sent ends, one after the other;
            then all fail, as in an outage.
        runtime: Its time is that of the workers; sending takes none.
        sent: What was sent.
        at: When each of them was sent.
    """

    claims: list[Claim]
    verdicts: list[Verdict]
    runtime: Hurried = attrs.field(factory=Hurried)
    sent: list[Claim] = attrs.field(factory=list[Claim])
    at: list[float] = attrs.field(factory=list[float])

    async def look_up(self) -> None:
        """Ask no store."""

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
        self.at.append(self.runtime.now())
        await intent(0)
        if not self.verdicts:
            return ended(claim.entry.row, State.PENDING, OUTAGE)
        return self.verdicts.pop(0)

    async def record_outcome(self, claim: Claim, change: Change) -> None:
        """Write nothing down."""
        del claim, change


async def imported(
    folder: Path, steps: Scripted, circuit: Circuit, *, concurrency: int = 1
) -> ImportSummary:
    """Run an import with scripted steps."""
    circuit.worked(steps.runtime.now())
    world = World(folder=folder, source=listed(3))
    with world.journal() as journal:
        async with world.client() as client:
            importer = Importer(
                client,
                world.source,
                journal,
                concurrency=concurrency,
                runtime=steps.runtime,
            )
            importer._steps, importer._circuit = steps, circuit
            return await importer.run()


@pytest.mark.parametrize("troubled", [False, True])
async def test_which_order_is_next(tmp_path: Path, *, troubled: bool) -> None:
    """After a failure a new order is sent; then the one that failed."""
    steps = Scripted(
        [*map(claim, (2, 3, 4))],
        [
            ended(2, State.PENDING, OUTAGE),
            *(ended(row, State.CONFIRMED) for row in (3, 2, 4)),
        ],
    )
    circuit = Circuit(steps.runtime.now(), 3600.0, costly=troubled)
    await imported(tmp_path, steps, circuit)

    assert [2, 3, 2, 4] == [each.entry.row for each in steps.sent]


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("orders", [1, 2, 3, 300])
async def test_an_outage_is_no_hot_loop(
    tmp_path: Path, orders: int, concurrency: int
) -> None:
    """While Sesamy is down, a single order is sent after each pause.

    A single one that is left is tried three times.
    """
    rows = range(2, 2 + orders)
    steps = Scripted([*map(claim, rows)], [])
    began = steps.runtime.now()
    circuit = Circuit(began, 3600.0)
    summary = await imported(tmp_path, steps, circuit, concurrency=concurrency)
    at_first = steps.at.count(began)
    pauses = [
        later - earlier
        for earlier, later in pairwise(steps.at[at_first - 1 :])
    ]

    assert Ending.OUTAGE is summary.ending
    if orders == 1:
        assert [began] * 3 == steps.at
        assert circuit.over is None
    else:
        assert 5 <= at_first < 5 + concurrency
        assert OUTAGE is circuit.over
        # A worker that looks again after the probe adds a second at most.
        for expected, pause in zip(
            chain((1.0, 2.0, 4.0, 8.0, 16.0, 32.0), repeat(60.0)),
            pauses,
            strict=False,
        ):
            assert expected <= pause <= expected + 1.0
        assert 50 < len(pauses) < 70
