"""What is done, drawn by hypothesis, and checked after each step."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
)

from proof.memory import memory
from sesamy_async import AsyncSesamy, NewContract, RateLimit, SesamyError, User
from sesamy_async.bulk import Confirm
from support.sources import Listed

from .imported import Imported
from .order import Ending, Order
from .world import Happening, Plan, World


PROMO = "SPRING-12"
_RUNS = 12
_LOSING = (
    "drop-before",
    "drop-after",
    "half",
    "malformed",
    "empty",
    "status:202",
    "status:500",
    "status:503+applied",
    "html:200",
    "html:200+applied",
    "html:502",
    "html:502+applied",
    "delay:5",
    "delay:31",
    "wait:1",
    "status:401",
)
_REFUSING = ("status:403", "status:404", "status:409", "status:422")

_Faults = Sequence[tuple[str, str]]
_faults = st.lists(
    st.tuples(
        st.sampled_from((*_LOSING, *_REFUSING)),
        st.sampled_from(("create", "confirm", "token", "any")),
    ),
    max_size=4,
)
_plans = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.sampled_from((*Happening, Happening.CANCEL)),
    ),
    max_size=3,
)
_runs = st.lists(
    st.fixed_dictionaries(
        {
            "faults": _faults,
            "plan": _plans,
            "concurrency": st.integers(1, 4),
            "pace": st.sampled_from((None, RateLimit())),
        }
    ),
    min_size=1,
    max_size=4,
)


class Machine(RuleBasedStateMachine):
    """Sells orders by calls and by imports, while all goes wrong."""

    backend: ClassVar[str] = "asyncio"
    seen: ClassVar[Counter[str]] = Counter()

    orders: Bundle[Order] = Bundle("orders")
    imports: Bundle[Imported] = Bundle("imports")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir=memory()))
        self.all_orders: list[Order] = []
        self.all_imports: list[Imported] = []
        self.numbers = count(1)
        self.world = World(self.folder, self.backend)

    @rule(target=orders, confirm=st.booleans(), faults=_faults, plan=_plans)
    def create(self, confirm: bool, faults: _Faults, plan: Plan) -> Order:
        """Sell an order by a create."""
        order = self._fresh()
        self._create(order, confirm, faults, plan)
        return order

    @rule(order=orders, confirm=st.booleans(), faults=_faults, plan=_plans)
    def create_again(
        self, order: Order, confirm: bool, faults: _Faults, plan: Plan
    ) -> None:
        """Send a create again that surely did nothing."""
        if order.open and not order.most:
            self._create(order, confirm, faults, plan)

    @rule(target=orders, faults=_faults, plan=_plans)
    def onboard(self, faults: _Faults, plan: Plan) -> Order:
        """Sell an order by an onboarding."""
        order = self._fresh()
        self._onboard(order, faults, plan)
        return order

    @rule(order=orders, faults=_faults, plan=_plans)
    def onboard_again(self, order: Order, faults: _Faults, plan: Plan) -> None:
        """Onboard an order again that has not come to its confirm."""
        if order.open:
            self._onboard(order, faults, plan)

    @rule(order=orders, faults=_faults, plan=_plans)
    def confirm(self, order: Order, faults: _Faults, plan: Plan) -> None:
        """Confirm a contract whose id is known, again too."""
        if order.contract_id is not None:
            contract_id = order.contract_id
            order.confirming(
                self._call(
                    faults,
                    plan,
                    lambda to: to.contracts.confirm(PROMO, contract_id),
                )
            )

    @rule(
        target=imports,
        count=st.integers(1, 5),
        confirm=st.sampled_from(Confirm),
        strays=st.booleans(),
        runs=_runs,
    )
    def begin_import(
        self,
        count: int,
        confirm: Confirm,
        strays: bool,
        runs: Sequence[dict[str, Any]],
    ) -> Imported:
        """Import some orders, while things go wrong."""
        number = next(self.numbers)
        ids = tuple(f"I-{number}-{each}" for each in range(count))
        path = self.folder / f"{number}.journal"
        begun = Imported(path, Listed(ids), confirm, strays)
        begun.look(None)
        self.all_imports.append(begun)
        self.seen["orders"] += count
        self.go_on(begun, runs)
        return begun

    @rule(which=imports, runs=_runs)
    def go_on(self, which: Imported, runs: Sequence[dict[str, Any]]) -> None:
        """Go on with an import, while things go wrong."""
        for run in runs:
            self._run(which, **run)

    @rule(which=imports, runs=_runs)
    def complete(
        self, which: Imported, runs: Sequence[dict[str, Any]]
    ) -> None:
        """Go on with an import until nothing goes wrong: then all is done."""
        self.go_on(which, runs)
        for _ in range(_RUNS):
            self._run(which)
            if which.summary and not which.summary.unprocessed:
                break
        _fail_on(list(which.unfinished()))

    @rule(seconds=st.floats(1, 400))
    def time_passes(self, seconds: float) -> None:
        """Let time pass: tokens expire, and the rate limit is forgotten."""
        self.world.later(seconds)

    @rule()
    def restart_the_sandbox(self) -> None:
        """Let the sandbox forget its tokens, but no contract."""
        self.world.restart()

    @invariant()
    def the_ledger_bears_it_out(self) -> None:
        """What was told, and what is written down, is true."""
        ledger = self.world.sandbox.ledger
        for order in self.all_orders:
            _fail_on(list(order.broken(ledger)))
        for each in self.all_imports:
            _fail_on(list(each.broken(ledger)))

    def teardown(self) -> None:
        """Leave no files."""
        shutil.rmtree(self.folder)

    def _fresh(self) -> Order:
        order = Order(f"O-{next(self.numbers)}")
        self.all_orders.append(order)
        self.seen["orders"] += 1
        return order

    def _create(
        self, order: Order, confirm: bool, faults: _Faults, plan: Plan
    ) -> None:
        new = _new(order)
        ending = self._call(
            faults,
            plan,
            lambda to: to.contracts.create(PROMO, new, confirm=confirm),
        )
        order.created(ending, confirm=confirm)

    def _onboard(self, order: Order, faults: _Faults, plan: Plan) -> None:
        new = _new(order)
        order.onboarded(
            self._call(
                faults, plan, lambda to: to.contracts.onboard(PROMO, new)
            )
        )

    def _run(
        self,
        which: Imported,
        faults: _Faults = (),
        plan: Plan = (),
        concurrency: int = 3,
        pace: RateLimit | None = None,
    ) -> None:
        self.seen["runs of imports"] += 1
        which.refused |= any(fault in _REFUSING for fault, _ in faults)
        self._strike(faults)
        run = partial(which.run, world=self.world, concurrency=concurrency)
        which.look(self.world.during(plan, run, pace=pace))
        self.seen["cancellations"] += which.summary is None
        self.the_ledger_bears_it_out()

    def _call(
        self,
        faults: _Faults,
        plan: Plan,
        work: Callable[[AsyncSesamy], Awaitable[Any]],
    ) -> Ending:
        self._strike(faults)
        self.seen["calls"] += 1
        try:
            value = self.world.during(plan, work)
        except SesamyError as error:
            return Ending(error=error, call=self.world.last)
        self.seen["cancellations"] += value is None
        return Ending(value=value, call=self.world.last)

    def _strike(self, faults: _Faults) -> None:
        pending = self.world.sandbox.faults
        pending.clear()
        self.seen["faults"] += len(faults)
        for fault, endpoint in faults:
            pending.add(fault, on=endpoint)


def _new(order: Order) -> NewContract:
    return NewContract(
        external_order_id=order.id,
        payment_provider="KLARNA",
        payment_method="CARD",
        quantity=1,
        user_data=User(email="kim@example.com"),
    )


def _fail_on(broken: Sequence[str]) -> None:
    if broken:
        raise AssertionError("; ".join(broken))
