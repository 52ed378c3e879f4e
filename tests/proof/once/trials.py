"""The trials: kills at each step, and many processes at once."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import attrs

from proof.kills.served import Served

from .forge import Forge, forge
from .job import Ended, Job, Kind, Said, Step, Worker
from .judge import careful_orders, doubled, unended, untrue, wasted


WORLDS = ("asyncio", "trio", "blocking")
LASTS = 0.3
_RANDOM_KILL = (0.0, 0.08)
# One ledger may judge several stores.
_numbers = count()


@attrs.define(eq=False)
class Bench:
    """What trials use: a sandbox, a store, and processes that fork.

    Attributes:
        served: The sandbox, in a process of its own.
        store: The URL of the store.
        confirm_once: Whether the sandbox refuses second confirms.
        kills: How many processes were killed.
    """

    served: Served
    store: str
    confirm_once: bool = False
    kills: int = 0

    def orders(self, many: int, name: str = "o") -> tuple[str, ...]:
        """Return new orders."""
        return tuple(f"{name}-{next(_numbers)}" for _ in range(many))

    def run(self, forged: Forge, *workers: Worker, **more: object) -> Ran:
        """Run processes at once."""
        job = Job(
            store=self.store,
            settings=self.served.settings,
            workers=workers,
            **{"lasts": LASTS, **more},  # type: ignore[arg-type]
        )
        ran = Ran(forged.run(job))
        self.kills += sum(each.killed for each in ran.ends)
        return ran


@attrs.frozen
class Ran:
    """How processes ended."""

    ends: tuple[Ended, ...]

    @property
    def said(self) -> list[Said]:
        """All that they said."""
        return [each for ended in self.ends for each in ended.said]

    @property
    def broken(self) -> str | None:
        """What went wrong with a process, if anything did."""
        for ended in self.ends:
            if ended.code and not ended.killed:
                return f"a process ended with {ended.code}: {ended.said}"
        return None


def kill_trial(
    bench: Bench,
    forged: Forge,
    chance: random.Random,
    step: Step | None,
    *,
    mixed: bool,
) -> str | None:
    """Kill a process at a step, others at work; then let calls end it.

    Args:
        bench: What it uses.
        forged: Forks the processes.
        chance: Of this trial.
        step: Where; None for a random moment.
        mixed: Whether careful calls are told the same orders.
    """
    orders = bench.orders(2)
    kinds = [*Kind] if mixed else [Kind.ONBOARD]

    def worker(**more: object) -> Worker:
        told = [*orders]
        chance.shuffle(told)
        return Worker(
            world=chance.choice(WORLDS),
            orders=(*told,),
            kind=chance.choice(kinds),
            at_once=chance.choice([1, 2]),
            **more,  # type: ignore[arg-type]
        )

    after = {} if step else {"after": chance.uniform(*_RANDOM_KILL)}
    killed = worker(step=step, passage=chance.choice([1, 2]), **after)
    if step is Step.AFTER_CONFIRM and killed.kind is Kind.AT_ONCE:
        # It writes down in one step that it is confirmed.
        killed = attrs.evolve(killed, kind=Kind.CAREFUL)
    others = [worker() for _ in range(chance.choice([0, 1]))]
    first = bench.run(forged, killed, *others)
    second = bench.run(forged, worker())
    time.sleep(LASTS)
    third = bench.run(
        forged, Worker(world=chance.choice(WORLDS), orders=orders)
    )
    contracts = bench.served.ledger()["orders"]
    told = [(each.kind, each.orders) for each in (killed, *others)]
    careful = careful_orders([*told, *_kinds(second)])
    if bench.confirm_once:
        # A confirm that was done and not written down is refused.
        careful |= {it for it in orders if _has_access(contracts, it)}
    ran = (first, second, third)
    return (
        next(filter(None, (each.broken for each in ran)), None)
        or doubled(contracts, orders)
        or untrue(contracts, [it for each in ran for it in each.said])
        or unended(third.said, careful)
        or (None if len(third.said) == len(orders) else "it said nothing")
    )


def _kinds(ran: Ran) -> list[tuple[Kind, list[str]]]:
    return [(each.kind, [each.order]) for each in ran.said]


def _has_access(
    contracts: dict[str, list[dict[str, object]]], it: str
) -> bool:
    return any(each["confirmed"] for each in contracts.get(it, ()))


def crowd_trial(
    bench: Bench,
    forged: Forge,
    *,
    processes: int,
    orders: int,
    at_once: int,
    most: float,
) -> tuple[str | None, float]:
    """Let processes tell the same orders at once.

    Returns:
        What broke the promise, and how many creates an order took.
    """
    told = bench.orders(orders, "same")
    workers = [
        Worker(world=WORLDS[n % len(WORLDS)], orders=told, at_once=at_once)
        for n in range(processes)
    ]
    ran = bench.run(forged, *workers, lasts=5.0)
    contracts = bench.served.ledger()["orders"]
    creates = 1 + wasted(contracts, told) / orders
    names = {
        each: {it.contract for it in ran.said if it.order == each}
        for each in told
    }
    torn = next((it for it, found in names.items() if len(found) != 1), None)
    failed = [each for each in ran.said if not each.done]
    problem = (
        ran.broken
        or doubled(contracts, told)
        or untrue(contracts, ran.said)
        or (f"not done: {failed[0]}" if failed else None)
        or (f"{torn} has {names[torn]}" if torn else None)
        or (f"{creates:.2f} creates an order" if creates > most else None)
    )
    return problem, creates


@contextmanager
def forges(many: int) -> Iterator[list[Forge]]:
    """Start several, and end them."""
    with forge() as one:
        if many == 1:
            yield [one]
            return
        with forges(many - 1) as others:
            yield [one, *others]
