"""Go through every state that can be reached, and judge each."""

from __future__ import annotations

from collections import deque

import attrs

from sesamy_async.idempotency import OrderRecord, OrderState

from .model import Model
from .states import NOW, Actor, At, Contract, Kind, Left, State


@attrs.frozen(kw_only=True)
class Explored:
    """What came of it.

    Attributes:
        states: How many there are, or were looked at.
        complete: Whether these are all.
        broken: What is wrong, and the shortest way there; or None.
    """

    states: int
    complete: bool
    broken: str | None


def explored(
    actors: tuple[Actor, ...],
    left: Left,
    *,
    strict: bool = False,
    heedless: bool = False,
    most: int,
) -> Explored:
    """Look at states, those with the fewest events first.

    Args:
        actors: Who takes part.
        left: How often what may go wrong.
        strict: Whether the service refuses a second confirm.
        heedless: Whether the person who settles orders is.
        most: How many states at most.
    """
    model = Model(strict=strict, heedless=heedless)
    judge = _Judge(model)
    first = State(actors=actors, left=left)
    came: dict[State, tuple[State, str] | None] = {first: None}
    waiting = deque([first])
    while waiting:
        state = waiting.popleft()
        wrong = judge.wrong(state)
        if wrong is not None:
            trace = "\n".join([wrong, *_way(came, state)])
            return Explored(states=len(came), complete=False, broken=trace)
        for what, after in model.moves(state):
            if after not in came:
                came[after] = state, what
                waiting.append(after)
        if len(came) >= most:
            return Explored(states=len(came), complete=False, broken=None)
    return Explored(states=len(came), complete=True, broken=None)


def _way(
    came: dict[State, tuple[State, str] | None], state: State
) -> list[str]:
    steps: list[str] = []
    before = came[state]
    while before is not None:
        steps.append(before[1])
        before = came[before[0]]
    numbered = enumerate(reversed(steps), 1)
    return [f"{number}. {step}" for number, step in numbered]


class _Judge:
    def __init__(self, model: Model) -> None:
        self._model = model
        self._ended: dict[
            tuple[OrderRecord | None, tuple[Contract, ...]], str | None
        ] = {}

    def wrong(self, state: State) -> str | None:
        """Return what must not be, or None."""
        if state.wrong is not None:
            return state.wrong
        access = [each.order for each in state.made if each.confirmed]
        if len(access) != len({*access}):
            return "an order has two contracts that give access"
        if max(state.careful) > 1:
            return "a create that may happen only once was sent twice"
        if any(each.at is not At.ENDED for each in state.actors):
            return None
        for order in {each.order for each in state.actors}:
            wrong = self._unending(state, order)
            if wrong is not None:
                return wrong
        return None

    def _unending(self, state: State, order: int) -> str | None:
        """Return why one more call would not end an order."""
        record = state.records[order]
        doubt = record is not None and (
            record.state is OrderState.UNKNOWN
            or (record.state is OrderState.CLAIMED and record.careful)
        )
        careful = any(each.kind is not Kind.ONBOARD for each in state.actors)
        if doubt and careful:
            return None
        if record is not None and record.left:
            record = attrs.evolve(record, expires_at=NOW)
        known = record, state.made
        if known not in self._ended:
            self._ended[known] = self._one_more(
                state.knows(order, record), order
            )
        return self._ended[known]

    def _one_more(self, state: State, order: int) -> str | None:
        record = state.records[order]
        data = (record.digest if record else None) or "1:a"
        actor = Actor(0, Kind.ONBOARD, order=order, data=data, life=99)
        state = state._replace(actors=(actor,), left=Left(), wrong=None)
        while state.actors[0].at is not At.ENDED:
            moves = [*self._model.acts(state, state.actors[0])]
            if not moves:
                return "one more call would wait forever"
            [(_, state)] = moves
        if state.wrong is not None:
            return f"one more call would end so: {state.wrong}"
        if state.told[order]:
            return None
        # Of a service that refuses a second confirm, it is never heard.
        ended = record is not None and record.contract_id is not None
        access = ended and any(
            each.confirmed for each in state.made if each.order == order
        )
        if self._model.strict and access:
            return None
        return "one more call would not end the order"
