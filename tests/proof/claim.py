"""A promise of the SDK, and the result of testing it many times."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import attrs


@attrs.frozen(kw_only=True)
class Row:
    """The result of testing one class of cases.

    Attributes:
        what: The class, in words.
        runs: How many independent tests there were.
        violations: What broke the promise, one text per test.
        figure: What else was measured, if anything.
        complete: Whether these are all possible cases, so that no rate
            is left to bound.
    """

    what: str
    runs: int
    violations: tuple[str, ...] = ()
    figure: str = ""
    complete: bool = False


@attrs.frozen(kw_only=True)
class Scale:
    """How hard to try.

    Attributes:
        runs: Tries for each class.
        seed: What all chance comes from.
        slack: By which factor times may be exceeded; more than 1 where
            the machine has other things to do as well.
        again: How often a try that was late is repeated, for the same
            reason: what is late for another one is so each time.
        brief: Whether one of several ways to reach a server is enough.
    """

    runs: int
    seed: int
    slack: float = 1.0
    again: int = 0
    brief: bool = False

    def chance(self, *about: object) -> random.Random:
        """Return a source of chance that depends on this and the seed."""
        named = "/".join(str(each) for each in (self.seed, *about))
        return random.Random(named)  # noqa: S311 - repeatable on purpose


@attrs.frozen(kw_only=True)
class Claim:
    """A promise, and how it is tried.

    Attributes:
        name: One word, for the command line.
        promise: A sentence that the rows could refute.
        rows: Tries it, and yields a row for each class.
        runs: How many tries a class gets in the long form.
        short: How many in the test run.
    """

    name: str
    promise: str
    rows: Callable[[Scale], Iterable[Row]]
    runs: int = 500
    short: int = 30


Trial = Callable[[random.Random], str | None]
"""Tries once, and returns what broke the promise, or None."""


def tried(what: str, scale: Scale, trial: Trial, *, at_once: int = 1) -> Row:
    """Try one class as often as the scale says.

    Each try has chance of its own, so that one alone can be repeated.

    Args:
        what: The class.
        scale: How often, and with which chance.
        trial: What is tried.
        at_once: How many tries there may be at a time, in threads.
    """

    def one(number: int) -> str | None:
        return _outcome(trial, scale.chance(what, number))

    numbers = range(scale.runs)
    if at_once == 1:
        found = [one(number) for number in numbers]
    else:
        with ThreadPoolExecutor(at_once) as pool:
            found = list(pool.map(one, numbers))
    violations = tuple(text for text in found if text is not None)
    return Row(what=what, runs=scale.runs, violations=violations)


def well_once(scale: Scale, row: Callable[[], Row]) -> Row:
    """Try a class again where the machine was too slow for it.

    Args:
        scale: How often.
        row: Tries the class.
    """
    found = row()
    for _ in range(scale.again):
        if not found.violations:
            break
        found = row()
    return found


def _outcome(trial: Trial, chance: random.Random) -> str | None:
    try:
        return trial(chance)
    except Exception as error:  # noqa: BLE001 - the others are tried all the same
        return f"raised {error!r}"
