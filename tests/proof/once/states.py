"""Who takes part in the model, and all there is at a moment."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeAlias, TypeVar

import attrs

from sesamy_async.idempotency import Holder, OrderKey, OrderRecord, OrderState


_T = TypeVar("_T")

NOW = 1_000.0
"""The time of the store: what passes is taken from the times of records."""


class Kind(Enum):
    """What an actor calls."""

    ONBOARD = "onboard"
    CAREFUL = "careful onboard"
    AT_ONCE = "at-once create"


class At(Enum):
    """What an actor does next, or waits for."""

    LOOK = "look"
    SENT = "create"
    RENEW = "renew"
    MADE = "write the id"
    REFUSED = "tell the refusal"
    DOUBT = "doubt"
    RELEASE = "release"
    CONFIRM = "confirm"
    MARK = "mark"
    ASK = "look why"
    ENDED = "end"


_UNCLAIMED = {At.LOOK, At.CONFIRM, At.MARK, At.ASK, At.ENDED}


class Actor(NamedTuple):
    """Somebody who calls the SDK."""

    number: int
    kind: Kind
    order: int = 0
    data: str = "1:a"
    life: int = 1
    at: At = At.LOOK
    lost: int = 0
    contract: str = ""

    @property
    def holder(self) -> Holder:
        """How it claims: in each life with a token of its own."""
        return Holder(
            token=f"{self.number}-{self.life}",
            careful=self.kind is not Kind.ONBOARD,
            digest=self.data,
        )

    @property
    def claims(self) -> bool:
        """Whether a claim covers what it does now."""
        return self.at not in _UNCLAIMED

    def __str__(self) -> str:
        return f"{self.kind.value} {self.number}-{self.life}"


class Contract(NamedTuple):
    """What the service made."""

    order: int
    data: str
    confirmed: bool


class Left(NamedTuple):
    """How often what may still go wrong, or be tried again."""

    crashes: int = 0
    losses: int = 0
    refusals: int = 0
    calls: int = 0
    mixed: int = 0
    settled: int = 0


Given: TypeAlias = Holder | OrderKey | OrderRecord | str


class Write(NamedTuple):
    """A step that a store is asked for."""

    order: int
    name: str
    given: tuple[Given, ...]
    named: tuple[tuple[str, int], ...] = ()
    contract: str = ""


class Request(NamedTuple):
    """A create, or the confirm of a contract."""

    order: int
    data: str
    confirmed: bool = False
    contract: str = ""


class State(NamedTuple):
    """All there is at a moment.

    `flying` are requests that nobody waits for any more: they may arrive,
    or not; so may the `late` writes.  `careful` counts the creates that may
    happen only once, `told` are the contracts that calls have returned.
    """

    actors: tuple[Actor, ...]
    left: Left
    records: tuple[OrderRecord | None, ...] = (None, None)
    owners: tuple[tuple[str, int], ...] = ()
    made: tuple[Contract, ...] = ()
    flying: tuple[Request, ...] = ()
    late: tuple[Write, ...] = ()
    careful: tuple[int, ...] = (0, 0)
    told: tuple[str, ...] = ("", "")
    decided: Write | None = None
    wrong: str | None = None

    def to(
        self, actor: Actor, at: At, *, lost: int = 0, contract: str = ""
    ) -> State:
        """Return it with an actor elsewhere."""
        moved = actor._replace(at=at, lost=lost, contract=contract)
        return self._replace(actors=put(self.actors, actor.number, moved))

    def without(self, **spent: int) -> State:
        """Return it with less left of something."""
        left = self.left._asdict()
        fewer = {name: left[name] - spent[name] for name in spent}
        return self._replace(left=self.left._replace(**fewer))

    def sent(self, actor: Actor) -> State:
        """Return it with a create of an actor counted."""
        if actor.kind is Kind.ONBOARD:
            return self
        count = self.careful[actor.order] + 1
        return self._replace(careful=put(self.careful, actor.order, count))

    def alone(self, actor: Actor) -> State:
        """Return it with what an actor waits for on its own."""
        creates = actor.at is At.SENT
        if not creates and actor.at is not At.CONFIRM:
            return self
        at_once = creates and actor.kind is Kind.AT_ONCE
        request = Request(actor.order, actor.data, at_once, actor.contract)
        counted = self.sent(actor) if creates else self
        return counted._replace(flying=tuple(sorted((*self.flying, request))))

    def later(self, write: Write) -> State:
        """Return it with a write that a store may still do."""
        late = sorted((*self.late, write), key=repr)
        return self._replace(late=tuple(late))

    def knows(self, order: int, record: OrderRecord | None) -> State:
        """Return it with another record of an order."""
        return self._replace(records=put(self.records, order, record))

    def tell(self, actor: Actor, contract: str | None) -> State:
        """Return it with a call ended well."""
        order, name = actor.order, contract or ""
        if self.told[order] not in {"", name}:
            return self._replace(wrong=f"{self.told[order]}, then {name} told")
        made = self.made[index(name)]
        if made.order != order or made.data != actor.data:
            return self._replace(wrong=f"{name} is told, which is another's")
        if not made.confirmed:
            return self._replace(wrong=f"{name} is told and not confirmed")
        return self._replace(told=put(self.told, order, name))


def index(contract: str) -> int:
    """Return where a contract stands among those that were made."""
    return int(contract[1:]) - 1


def put(old: tuple[_T, ...], at: int, new: _T) -> tuple[_T, ...]:
    """Return a tuple with another value at a place."""
    return (*old[:at], new, *old[at + 1 :])


def taken(old: tuple[_T, ...], one: _T) -> tuple[_T, ...]:
    """Return a tuple without one of its values."""
    at = old.index(one)
    return (*old[:at], *old[at + 1 :])


def key_of(order: int) -> OrderKey:
    """Return the key of an order."""
    return OrderKey("sandbox", "acme", f"order-{order}")


def settled(seen: OrderRecord, state: OrderState, contract: str) -> Write:
    """Return what a person writes down of an order in doubt."""
    known = attrs.evolve(seen, state=state, contract_id=contract or None)
    return Write(0, "adopt", (known,), contract=contract)


def timeless(record: OrderRecord | None) -> OrderRecord | None:
    """Return a record such that equal ones behave in the same way."""
    if record is None:
        return None
    return attrs.evolve(
        record,
        strays=min(record.strays, 1),
        claimed_at=NOW,
        expires_at=NOW + min(1.0, max(0.0, record.expires_at - NOW)),
        busy_until=NOW + min(1.0, max(0.0, record.busy_until - NOW)),
        begun_at=NOW,
        at=NOW,
        read_at=NOW,
    )
