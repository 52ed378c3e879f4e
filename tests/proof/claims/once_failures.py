"""A store that fails while an order is reported."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import attrs

from proof.claim import Claim, Row, Scale, tried, well_once
from proof.once.damage import (
    NAME,
    Damage,
    corrupted,
    deleted,
    full,
    locked,
    stopped,
)
from proof.once.job import Kind
from proof.once.tell import call, order
from sesamy_async import (
    Outcome,
    RetryPolicy,
    SesamyError,
    _creation,
    _once,
)
from sesamy_async.idempotency import (
    IdempotencyStore,
    store_from_url,
)
from sesamy_async.sandbox import Sandbox, SandboxConfig
from support.calling import WORLDS, World
from support.servers import Postgres, Redis


_FILES: dict[str, Damage] = {
    "locked by another process": locked,
    "moved away": deleted,
    "overwritten": corrupted,
    "no room": full,
}
_STEPS = ("claim", "first", "confirm", "mark")
_WHEN = dict(
    zip(
        _STEPS,
        (
            "before the claim",
            "after the create",
            "before the confirm",
            "after the confirm",
        ),
        strict=True,
    )
)
_PATIENCE = 0.2
_LASTS = 0.05


@attrs.define(eq=False)
class _Struck:
    """Damages a store the first time that a call comes to a step."""

    step: str
    damage: Callable[[], Any]
    stack: ExitStack
    struck: bool = False

    def watch(self, store: IdempotencyStore) -> None:
        """Wrap the methods of a store."""
        changed: Any = store
        for name in ("claim", "first", "mark"):
            setattr(changed, name, self._watched(name, getattr(store, name)))

    def _watched(self, name: str, method: Callable[..., Any]) -> Any:
        def asked(*given: Any, **more: Any) -> Any:
            self.reach(name)
            answer = method(*given, **more)
            if name == "first":
                self.reach("confirm")
            return answer

        return asked

    def reach(self, step: str) -> None:
        """Damage it, if it is time."""
        if step == self.step and not self.struck:
            self.struck = True
            self.stack.enter_context(self.damage())


def _trial(
    url: str,
    damage: Callable[[], Any],
    step: str,
    kind: Kind,
    world: World,
) -> str | None:
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    settings = {
        **sandbox.client_settings(),
        "retry": RetryPolicy(attempts=2, base=0.0),
    }
    sold = order("o-1")

    def told(store: IdempotencyStore) -> Any:
        return world.one(
            lambda client: call(client, kind, sold),
            **{**settings, "idempotency": store},
        )

    with ExitStack() as stack:
        store = store_from_url(url)
        stack.callback(store.close)
        struck = _Struck(step, damage, stack)
        struck.watch(store)
        ending = told(store)
        problem = _untrue(ending, sandbox, kind)
    if problem is not None:
        return problem
    if not struck.struck:
        return "it was not struck"
    store = store_from_url(url)
    again = told(store)
    store.close()
    confirmed = sandbox.ledger.confirmed("o-1")
    if len(confirmed) > 1:
        return f"doubled: {ending}, then {again}"
    problem = _untrue(again, sandbox, kind)
    if problem is None and kind is Kind.ONBOARD and again.error is not None:
        return f"not ended: {again.error}"
    return problem


def _untrue(ending: Any, sandbox: Sandbox, kind: Kind) -> str | None:
    """Return what an ending says and is not so."""
    made = sandbox.ledger.contracts("o-1")
    confirmed = sandbox.ledger.confirmed("o-1")
    error = ending.error
    if error is None:
        return None if len(confirmed) == 1 else "said to be confirmed"
    if not isinstance(error, SesamyError):
        return f"raised {error!r}"
    if error.outcome.nothing_done and made and kind is not Kind.ONBOARD:
        return f"said to be {error.outcome}: {error}"
    if error.outcome is Outcome.NOT_SENT and confirmed:
        return f"confirmed, and said to be {error.outcome}: {error}"
    return None


def _rows(scale: Scale) -> Iterator[Row]:
    with (
        mock.patch.object(_once, "PATIENCE", _PATIENCE),
        mock.patch.object(_creation, "REPEATABLE_LASTS", _LASTS),
    ):
        for number, (what, damage) in enumerate(_FILES.items()):
            for step in _steps(scale, number):
                name = f"SQLite: {what} {_WHEN[step]}"
                row = partial(_row, name, step, scale, damage)
                yield well_once(scale, row)
        servers: tuple[Postgres | Redis, ...] = (Postgres(), Redis())
        for number, server in enumerate(servers):
            with server:
                name = type(server).__name__
                for step in _steps(scale, number):
                    what = f"{name}: killed {_WHEN[step]}"
                    row = partial(_row, what, step, scale, server)
                    yield well_once(scale, row)


def _steps(scale: Scale, number: int) -> tuple[str, ...]:
    """Return where a kind of failure strikes; in brief, at one step."""
    return (_STEPS[number],) if scale.brief else _STEPS


def _row(
    what: str, step: str, scale: Scale, damaged: Damage | Postgres | Redis
) -> Row:
    def trial(chance: random.Random) -> str | None:
        # What is confirmed by its create is written down in one step.
        two_steps = [Kind.ONBOARD, Kind.CAREFUL]
        one_step = [Kind.AT_ONCE] if step in {"claim", "first"} else []
        kind = chance.choice([*two_steps, *one_step])
        world = World(chance.choice(WORLDS))
        if isinstance(damaged, Postgres | Redis):
            damaged.fresh()
            return _trial(
                damaged.url, lambda: stopped(damaged), step, kind, world
            )
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            url = f"sqlite://{folder / NAME}"
            return _trial(url, lambda: damaged(folder), step, kind, world)

    return tried(what, scale, trial)


CLAIM = Claim(
    name="once-failures",
    promise=(
        "If a store fails while an order is reported, at whatever step, no "
        "error has an untrue outcome and no order is doubled. Once the store "
        "is back, the next `onboard` completes the order."
    ),
    rows=_rows,
    runs=4,
    short=1,
)
