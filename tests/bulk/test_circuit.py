"""When an import pauses, and when it gives up."""

from __future__ import annotations

import pytest

from sesamy_async.bulk import Cause, Trouble
from sesamy_async.bulk._workers import (
    FIRST_PAUSE,
    LONGEST_COSTLY_PAUSE,
    LONGEST_PAUSE,
    Circuit,
)


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


def test_nothing_is_wrong() -> None:
    """As long as all is well, nobody waits."""
    assert (0.0, None, None) == (
        running().wait(100.0),
        running().trouble,
        running().over,
    )


@pytest.mark.parametrize(
    ("trouble", "enough"), [(OUTAGE, 5), (UNREACHABLE, 5), (REFUSED, 1)]
)
def test_it_opens(trouble: Trouble, enough: int) -> None:
    """A few failures in a row open it; a refused token does at once."""
    circuit = running()
    fail(circuit, enough - 1, trouble)
    before = circuit.wait(100.0)
    fail(circuit, 1, trouble)

    assert (0.0, FIRST_PAUSE, trouble, None) == (
        before,
        circuit.wait(100.0),
        circuit.trouble,
        circuit.over,
    )


def test_a_success_between_keeps_it_closed() -> None:
    """Only failures one after the other count."""
    circuit = running()
    fail(circuit, 4)
    circuit.worked(100.0)
    fail(circuit, 4)

    assert circuit.trouble is None


def test_it_opens_at_the_first_costly_failure() -> None:
    """Where each failure is for a person to look at, one is enough."""
    circuit = running(costly=True)
    fail(circuit, 1)

    assert OUTAGE is circuit.trouble


def test_one_probe_at_a_time() -> None:
    """After the pause, one may go; the others look again in a second."""
    circuit = running()
    fail(circuit, 5)
    waits = [circuit.wait(101.0) for _ in range(3)]

    assert [0.0, 1.0, 1.0] == waits


def test_half_a_pause() -> None:
    """Whoever asks within a pause learns how long it still is."""
    circuit = running()
    fail(circuit, 5)

    assert 0.25 == circuit.wait(100.75)


def test_the_probe_is_passed_on() -> None:
    """Where the probe has no order to send, another one is the probe."""
    circuit = running()
    fail(circuit, 5)
    circuit.wait(101.0)
    circuit.pass_on()

    assert 0.0 == circuit.wait(101.0)


def test_another_probe_follows_one_that_failed() -> None:
    """After a longer pause, one more order may go."""
    circuit = running()
    fail(circuit, 5)
    circuit.wait(101.0)
    circuit.failed(101.0, OUTAGE)

    assert (2.0, 0.0) == (circuit.wait(101.0), circuit.wait(103.0))


def test_a_probe_that_works_closes_it() -> None:
    """When the trouble is over, all go on, and it is forgotten."""
    circuit = running()
    fail(circuit, 5)
    circuit.wait(101.0)
    circuit.worked(101.0)
    waits = [circuit.wait(101.0) for _ in range(2)]
    fail(circuit, 4)

    assert ([0.0, 0.0], None) == (waits, circuit.trouble)


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


def test_a_pause_is_short_again_after_a_success() -> None:
    """The next outage begins with the first pause."""
    circuit = running()
    fail(circuit, 5)
    circuit.wait(101.0)
    circuit.failed(101.0, OUTAGE)
    circuit.worked(103.0)
    for _ in range(5):
        circuit.failed(103.0, OUTAGE)

    assert FIRST_PAUSE == circuit.wait(103.0)


def test_those_under_way_do_not_lengthen_the_pause() -> None:
    """Orders that were sent before it opened may fail after it."""
    circuit = running()
    fail(circuit, 9)

    assert (FIRST_PAUSE, None) == (circuit.wait(100.0), circuit.over)


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
