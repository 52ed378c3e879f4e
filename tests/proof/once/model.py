"""What can happen to an order that several tell to Sesamy over a store.

The store takes the real steps of the protocol; all that is modelled is who
asks for them, and what goes wrong.  Looking and claiming is one event here:
what a look says is either final, or said by the claim again.  A claim may
run out at any moment, and calls are over for certain once none is under way.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TypeAlias

import attrs

from sesamy_async.idempotency import (
    Decide,
    OrderRecord,
    OrderState,
)
from sesamy_async.idempotency import _protocol as protocol

from .states import (
    NOW,
    Actor,
    At,
    Contract,
    Kind,
    Request,
    State,
    Write,
    index,
    key_of,
    put,
    settled,
    taken,
    timeless,
)


Moves: TypeAlias = Iterator[tuple[str, State]]
_Asked: TypeAlias = Generator[tuple[str, State], None, tuple[State, bool]]


class Model:
    """What can happen next.

    Args:
        strict: Whether the service refuses to confirm a second time.
        heedless: Whether the person who settles doubts also forgets orders
            whose contract is known.
    """

    def __init__(self, *, strict: bool, heedless: bool) -> None:
        self.strict = strict
        self._heedless = heedless
        self._known: dict[
            tuple[OrderRecord | None, Write, int | None],
            tuple[bool, OrderRecord | None, bool],
        ] = {}

    def moves(self, state: State) -> Moves:
        """Yield each event that is possible, and what it leads to."""
        for actor in state.actors:
            yield from self.acts(state, actor)
        for request in dict.fromkeys(state.flying):
            rest = state._replace(flying=taken(state.flying, request))
            what = f"confirm of {request.contract}"
            if not request.contract:
                what = f"create of c{len(state.made) + 1}"
            yield f"a lost {what} arrives", _arrives(rest, request)
        for write in dict.fromkeys(state.late):
            others = state._replace(late=taken(state.late, write))
            after, done = self._write(others, write)
            yield f"the store does a late {write.name}: {done}", after
        for order, record in enumerate(state.records):
            if record is not None:
                yield from _time(state, order, record)
        yield from self._person(state)

    def acts(self, state: State, actor: Actor) -> Moves:
        """Yield what an actor can do."""
        if actor.at is At.ENDED:
            if state.left.calls:
                again = actor._replace(life=actor.life + 1)
                yield (
                    f"{actor} calls again",
                    state.without(calls=1).to(again, At.LOOK),
                )
            return
        for what, after in self._goes(state, actor):
            yield f"{actor} {what}", after
        if state.left.crashes and actor.at is not At.LOOK:
            gone = state.without(crashes=1).alone(actor)
            yield f"{actor} crashes", gone.to(actor, At.ENDED)

    def _goes(self, state: State, actor: Actor) -> Moves:
        token = actor.holder.token
        match actor.at:
            case At.LOOK:
                yield from self._looks(state, actor)
            case At.SENT:
                yield from _creates(state, actor)
            case At.RENEW:
                strays = (("strays", actor.lost),)
                write = Write(actor.order, "renew", (actor.holder,), strays)
                after, done = yield from self._asks(state, actor, write)
                yield (
                    f"renews: {done}",
                    after.to(actor, At.SENT if done else At.LOOK),
                )
            case At.MADE:
                yield from self._writes(state, actor)
            case At.CONFIRM:
                yield from self._confirms(state, actor)
            case At.ASK:
                yield _asks_why(state, actor)
            case At.MARK:
                told = state.tell(actor, actor.contract)
                yield from self._ends(told, actor, "confirm", actor.contract)
            case At.RELEASE:
                yield from self._ends(
                    state, actor, "release", token, strays=actor.lost
                )
            case At.REFUSED:
                yield from self._ends(state, actor, "refuse", token)
                # It may be of an earlier create: a 409 is taken so.
                yield from self._doubts(state, actor)
            case _:
                yield from self._doubts(state, actor)

    def _doubts(self, state: State, actor: Actor) -> Moves:
        token = actor.holder.token
        if actor.kind is Kind.ONBOARD:
            return self._ends(
                state, actor, "release", token, strays=actor.lost
            )
        return self._ends(state, actor, "doubt", token)

    def _ends(
        self, state: State, actor: Actor, name: str, given: str, **named: int
    ) -> Moves:
        write = Write(actor.order, name, (given,), tuple(named.items()))
        after, done = self._write(state, write)
        yield f"ends with {name}: {done}", after.to(actor, At.ENDED)
        if state.left.losses:
            late = state.without(losses=1).later(write)
            yield f"ends with a lost {name}", late.to(actor, At.ENDED)

    def _asks(self, state: State, actor: Actor, write: Write) -> _Asked:
        """Ask the store, perhaps again: an answer lost is a late write."""
        if state.left.losses:
            late = state.without(losses=1).later(write)
            yield f"has no answer to {write.name}", late
            yield f"gives up {write.name}", late.to(actor, At.ENDED)
        return self._write(state, write)

    def _looks(self, state: State, actor: Actor) -> Moves:
        record = state.records[actor.order]
        if record and record.left and record.token != actor.holder.token:
            return  # It waits.
        write = Write(
            actor.order, "claim", (key_of(actor.order), actor.holder)
        )
        after, done = yield from self._asks(state, actor, write)
        if done:
            yield "claims", after.to(actor, At.SENT)
        else:
            yield "looks", _goes_by(after, actor)

    def _writes(self, state: State, actor: Actor) -> Moves:
        name, at_once = actor.contract, actor.kind is Kind.AT_ONCE
        write = Write(
            actor.order,
            "first",
            (actor.holder, name),
            (("confirmed", at_once),),
            contract=name,
        )
        after, done = yield from self._asks(state, actor, write)
        if not at_once:
            after = _goes_by(after, actor)
        else:
            told = after.tell(actor, name) if done else after
            after = told.to(actor, At.ENDED)
        yield f"writes {name}: {done}", after

    def _confirms(self, state: State, actor: Actor) -> Moves:
        name = actor.contract
        if self.strict and state.made[index(name)].confirmed:
            yield "is refused a second confirm", state.to(actor, At.ASK)
        else:
            request = Request(actor.order, actor.data, contract=name)
            yield (
                f"confirms {name}",
                _arrives(state, request).to(actor, At.MARK, contract=name),
            )
        if state.left.refusals:
            refused = state.without(refusals=1)
            yield f"is refused {name}", refused.to(actor, At.ASK)
        if state.left.losses:
            lost = state.without(losses=1).alone(actor)
            yield f"loses a confirm of {name}", lost.to(actor, At.ENDED)

    def _person(self, state: State) -> Moves:
        """Settle an order in doubt: look at both sides, then write."""
        record = state.records[0]
        if state.decided is not None:
            after, done = self._write(state, state.decided)
            now = after.records[0]
            if done and (now is None or now.state is OrderState.REFUSED):
                after = after._replace(careful=put(after.careful, 0, 0))
            what = f"a person does {state.decided.name}: {done}"
            yield what, after._replace(decided=None)
        elif state.left.settled and record is not None:
            doubtful = {OrderState.UNKNOWN, OrderState.CLAIMED}
            if record.state in doubtful or self._heedless:
                fewer = state.without(settled=1)
                for what, write in self._decisions(state, record):
                    decided = fewer._replace(decided=write)
                    yield f"a person looks: {what}", decided

    def _decisions(
        self, state: State, record: OrderRecord
    ) -> Iterator[tuple[str, Write]]:
        found = {
            f"c{number}": each.confirmed
            for number, each in enumerate(state.made, 1)
            if each.order == 0
        }
        confirmed = any(found.values())
        for name, gives_access in found.items():
            if gives_access:
                yield (
                    f"{name}, confirmed",
                    settled(record, OrderState.CONFIRMED, name),
                )
            elif not confirmed:
                yield f"{name}", settled(record, OrderState.CREATED, name)
        if not confirmed:
            yield "not created", Write(0, "forget", (record,))

    def _write(self, state: State, write: Write) -> tuple[State, bool]:
        """Let the store take a step, as a back end does."""
        record = state.records[write.order]
        owner = dict(state.owners).get(write.contract)
        asked = record, write, owner
        if asked not in self._known:
            owned = None if owner is None else key_of(owner).external_order_id
            step = _decide(write)(record, owned, NOW)
            self._known[asked] = step.done, timeless(step.record), step.owns
        done, after, owns = self._known[asked]
        if owns and write.contract:
            owners = {**dict(state.owners), write.contract: write.order}
            state = state._replace(owners=tuple(sorted(owners.items())))
        return state.knows(write.order, after), done


def _decide(write: Write) -> Decide:
    make = getattr(protocol, write.name)
    decide: Decide = make(*write.given, **dict(write.named))
    return decide


def _asks_why(state: State, actor: Actor) -> tuple[str, State]:
    """Let an actor look why its confirm was refused."""
    record = state.records[actor.order]
    if record is not None and record.state is OrderState.CONFIRMED:
        state = state.tell(actor, record.contract_id)
    return "looks why", state.to(actor, At.ENDED)


def _goes_by(state: State, actor: Actor) -> State:
    """Let an actor go by what the store knows of the order."""
    record = state.records[actor.order]
    if record is None or record.differs(actor.data):
        return state.to(actor, At.ENDED)
    counts = record.contract_id or ""
    if record.state is OrderState.CONFIRMED:
        return state.tell(actor, counts).to(actor, At.ENDED)
    if record.state is OrderState.CREATED and actor.kind is not Kind.AT_ONCE:
        return state.to(actor, At.CONFIRM, contract=counts)
    return state.to(actor, At.ENDED)


def _creates(state: State, actor: Actor) -> Moves:
    at_once = actor.kind is Kind.AT_ONCE
    made = _arrives(
        state.sent(actor), Request(actor.order, actor.data, at_once)
    )
    name = f"c{len(made.made)}"
    yield f"creates {name}", made.to(actor, At.MADE, contract=name)
    for other, owner in state.owners if state.left.mixed else ():
        # As of a gateway that keeps answers, which the store can notice.
        if owner != actor.order:
            for after in (made, state):
                mixed = after.without(mixed=1)
                yield (
                    f"is answered with {other}",
                    mixed.to(actor, At.MADE, contract=other),
                )
    if state.left.refusals:
        refused = state.without(refusals=1)
        yield "is refused", refused.to(actor, At.REFUSED, lost=actor.lost)
    if state.left.losses:
        fewer = state.without(losses=1)
        yield "sends nothing", fewer.to(actor, At.RELEASE)
        lost = fewer.alone(actor)
        if actor.kind is Kind.ONBOARD:
            for at in (At.RENEW, At.RELEASE):
                what = f"loses a create, will {at.value}"
                yield what, lost.to(actor, at, lost=1)
        else:
            yield "loses a create", lost.to(actor, At.DOUBT)


def _arrives(state: State, request: Request) -> State:
    """Let the service do what it is asked for."""
    order, data, at_once, name = request
    if not name:
        made = (*state.made, Contract(order, data, at_once))
        return state._replace(made=made)
    record = state.records[order]
    if record is None or record.contract_id != name:
        wrong = f"{name} is confirmed, which the store does not hold"
        return state._replace(wrong=wrong)
    at = index(name)
    changed = state.made[at]._replace(confirmed=True)
    return state._replace(made=put(state.made, at, changed))


def _time(state: State, order: int, record: OrderRecord) -> Moves:
    if record.left:
        over = attrs.evolve(record, expires_at=NOW)
        yield "the claim runs out", state.knows(order, over)
    covered = any(
        each.claims
        or (each.at is At.LOOK and each.holder.token == record.token)
        for each in state.actors
        if each.order == order
    )
    person = state.left.settled or state.decided is not None
    if person and record.busy and not covered:
        over = attrs.evolve(record, expires_at=NOW, busy_until=NOW)
        # What was sent has arrived by then, or never does.
        flying = tuple(
            each
            for each in state.flying
            if each.order != order or each.contract
        )
        rest = state._replace(flying=flying)
        yield "no call is under way any more", rest.knows(order, over)
