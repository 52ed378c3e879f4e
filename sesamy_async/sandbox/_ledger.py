"""The ledger: every contract, token, request and event of a sandbox."""

from __future__ import annotations

import json
import os
import re
import threading
from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from functools import partial
from itertools import islice
from pathlib import Path
from secrets import token_hex
from typing import Any, Literal
from urllib.parse import parse_qsl

import attrs

from sesamy_async._call import Secret
from sesamy_async._headers import Headers
from sesamy_async._models import is_object
from sesamy_async.errors import ConfigurationError

from ._exchange import (
    CONFIRMATION,
    ORDER,
    Answer,
    Delivery,
    Endpoint,
    Route,
    SandboxRequest,
    Shape,
    confirms_at_once,
    parse,
)
from ._faults import Fault, FaultKind


NO_ANSWER = 0
"""The status of a request whose client got no response."""


@attrs.frozen(kw_only=True)
class RecordedCall:
    """A request to Sesamy's API, and its response.

    Attributes:
        at: When it came, in Unix seconds.
        endpoint: What was called.
        status: The status of the response; `NO_ANSWER` (0) if the
            connection was closed before it.
        reason: Why it was refused, or empty.
        external_order_id: The id of the order, or empty.
        promo_code: The promo code, or empty.
        contract_id: The contract of a confirm, or empty.
        at_once: Whether a create asked for access at once.
        fault: The fault that struck, such as ``"status:503"``, or empty.
        fields: The names of the fields that were sent, such as
            ``"userData.email"``; never their values.
        headers: The headers without those that contain secrets; hidden in
            the repr.
        authorization: The Authorization header; None if there was none.
    """

    at: float
    endpoint: Endpoint
    status: int
    reason: str = ""
    external_order_id: str = ""
    promo_code: str = ""
    contract_id: str = ""
    at_once: bool = False
    fault: str = ""
    fields: tuple[str, ...] = ()
    headers: Mapping[str, str] = attrs.field(factory=Headers, repr=False)
    authorization: Secret | None = None


@attrs.frozen(kw_only=True)
class SentWebhook:
    """An event that is sent to the webhook, and its state.

    Attributes:
        number: Counts the sent events.
        event: The event.
        answers: The status of each attempt; `NO_ANSWER` (0) for none.
        state: ``"waiting"``, ``"delivered"`` or ``"lost"``.
    """

    number: int
    event: Mapping[str, str] = attrs.field(repr=False)
    answers: tuple[int, ...] = ()
    state: Literal["waiting", "delivered", "lost"] = "waiting"


@attrs.frozen(kw_only=True)
class SoldContract:
    """A contract in the ledger.

    Attributes:
        id: 32 hexadecimal digits.
        external_order_id: The id of the order.
        vendor_id: The publisher.
        promo_code: The promo code.
        user_id: One for each email address.
        payment_method: The payment method as sent.
        payment_provider: The payment provider as sent.
        created_at: Unix seconds.
        confirmed_at: Unix seconds; None while it gives no access.
        invoices: How many invoices it led to: see `SandboxConfig`.
        body: The body of the create call; hidden in the repr.
        confirm_body: The body of the last confirm call; also hidden.
    """

    id: str
    external_order_id: str
    vendor_id: str
    promo_code: str
    user_id: str
    payment_method: str
    created_at: float
    payment_provider: str = ""
    confirmed_at: float | None = None
    invoices: int = 0
    body: bytes = attrs.field(default=b"", repr=False)
    confirm_body: bytes = attrs.field(default=b"", repr=False)

    @property
    def confirmed(self) -> bool:
        """Whether it gives the buyer access."""
        return self.confirmed_at is not None

    @property
    def by_invoice(self) -> bool:
        """Whether it is paid by invoice."""
        return (
            self.payment_method == "INVOICE"
            or self.payment_provider == "BILLOGRAM"
        )

    @property
    def order(self) -> dict[str, Any]:
        """The order that was sent, decoded."""
        order: dict[str, Any] = json.loads(self.body)
        return order


@attrs.frozen
class Grant:
    """What a token permits, and until when (Unix seconds)."""

    scopes: frozenset[str]
    expires_at: float


@attrs.frozen(eq=False)
class _Orders(Mapping[str, Any]):
    """What was received of each order; None if an earlier process did."""

    _received: Mapping[str, bytes | None]

    def __getitem__(self, external_order_id: str) -> Any:
        body = self._received[external_order_id]
        # Decoded each time, so that nobody can change what was received.
        return None if body is None else json.loads(body)

    def __iter__(self) -> Iterator[str]:
        return iter([*self._received])  # Orders may come meanwhile.

    def __len__(self) -> int:
        return len(self._received)

    def __repr__(self) -> str:
        return f"<{len(self)} orders>"


_LONGEST = 1000  # Of what is only remembered to be looked at.


class Ledger:
    """Contracts, tokens and counts; read it from any thread."""

    def __init__(self) -> None:
        # Re-entrant: the sandbox holds it for a whole request.
        self.lock: AbstractContextManager[bool] = threading.RLock()
        self._sent = 0
        self._begin_empty()

    def _begin_empty(self) -> None:
        self._contracts: dict[str, SoldContract] = {}
        self._orders: dict[str, dict[str, SoldContract]] = {}
        self._received: dict[str, bytes | None] = {}
        self._grants: dict[Secret, Grant] = {}
        self._answers: Counter[tuple[Endpoint, int]] = Counter()
        self._calls: deque[RecordedCall] = deque(maxlen=_LONGEST)
        self._events: deque[dict[str, str]] = deque(maxlen=_LONGEST)
        self._users: set[tuple[str, str]] = set()
        self._webhooks: dict[int, SentWebhook] = {}

    def contracts(self, external_order_id: str) -> tuple[SoldContract, ...]:
        """Return the contracts of an order, the oldest first."""
        with self.lock:
            return tuple(self._orders.get(external_order_id, {}).values())

    def count(self, external_order_id: str) -> int:
        """Return how many contracts an order has."""
        return len(self.contracts(external_order_id))

    def confirmed(self, external_order_id: str) -> tuple[SoldContract, ...]:
        """Return the contracts of an order that give access."""
        contracts = self.contracts(external_order_id)
        return tuple(each for each in contracts if each.confirmed)

    @property
    def orders(self) -> Mapping[str, Any]:
        """Every order as it was last received, the oldest id first.

        The keys are the ids of all orders that have a contract; a value is
        the decoded JSON of the last create, or None if an earlier process
        received it (a `KeptLedger` stores no personal data).  This is the
        buyers' data, so for tests only; the repr hides it.
        """
        return _Orders(self._received)

    def last_orders(
        self, most: int
    ) -> tuple[tuple[str, tuple[SoldContract, ...]], ...]:
        """Return the last orders with their contracts, the latest first."""
        with self.lock:
            ids = [*islice(reversed(self._orders), most)]
            return tuple((each, self.contracts(each)) for each in ids)

    def access(self) -> Counter[int]:
        """Count the orders by how many of their contracts give access."""
        with self.lock:
            return Counter(len(self.confirmed(each)) for each in self._orders)

    def invoices(self, external_order_id: str) -> int:
        """Return how many invoices the contracts of an order led to."""
        return sum(it.invoices for it in self.contracts(external_order_id))

    @property
    def calls(self) -> tuple[RecordedCall, ...]:
        """The last 1000 requests, the oldest first."""
        with self.lock:
            return tuple(self._calls)

    @property
    def events(self) -> tuple[dict[str, str], ...]:
        """The last 1000 events, the oldest first, each as Sesamy posts it.

        They are recorded whether there is a webhook or not, so that a test
        can post them to its application.
        """
        with self.lock:
            return tuple(map(dict, self._events))

    @property
    def webhooks(self) -> tuple[SentWebhook, ...]:
        """The last 1000 events sent to the webhook, the oldest first."""
        with self.lock:
            return tuple(self._webhooks.values())

    @property
    def total(self) -> int:
        """How many contracts there are."""
        return len(self._contracts)

    def requests(
        self, endpoint: str | None = None, status: int | None = None
    ) -> int:
        """Count the requests.

        Args:
            endpoint: Only those to this `Endpoint`, such as ``"create"``.
            status: Only those with this status; `NO_ANSWER` (0) for those
                whose connection was closed before a response.
        """
        with self.lock:
            return sum(
                count
                for (to, answered), count in self._answers.items()
                if endpoint in {None, to} and status in {None, answered}
            )

    def contract(self, contract_id: str) -> SoldContract | None:
        """Return a contract by its id."""
        return self._contracts.get(contract_id)

    def grant(self, token: Secret) -> Grant | None:
        """Return what a token permits."""
        return self._grants.get(token)

    def add_token(self, token: Secret, grant: Grant) -> None:
        """Store a new token."""
        with self.lock:
            self._grants[token] = grant

    def apply(self, contract: SoldContract, body: bytes | None = None) -> None:
        """Store a contract that is new or changed, and a create's body."""
        with self.lock:
            order_id = contract.external_order_id
            self._orders.setdefault(order_id, {})[contract.id] = contract
            self._contracts[contract.id] = contract
            if body is not None or order_id not in self._received:
                self._received[order_id] = body

    def note(self, call: RecordedCall) -> None:
        """Count and record a request."""
        with self.lock:
            contract = self._contracts.get(call.contract_id)
            if contract is not None:
                order_id = contract.external_order_id
                call = attrs.evolve(call, external_order_id=order_id)
            self._answers[call.endpoint, call.status] += 1
            self._calls.append(call)

    def is_new_user(self, contract: SoldContract) -> bool:
        """Return whether the publisher sees the user for the first time."""
        with self.lock:
            before = len(self._users)
            self._users.add((contract.vendor_id, contract.user_id))
            return len(self._users) > before

    def add_events(self, events: Iterable[dict[str, str]]) -> None:
        """Store events."""
        with self.lock:
            self._events.extend(events)

    def add_webhook(self, event: Mapping[str, str]) -> SentWebhook:
        """Store that an event is to be sent, and return what is stored."""
        with self.lock:
            self._sent += 1
            sent = SentWebhook(number=self._sent, event=event)
            self._webhooks[sent.number] = sent
            if len(self._webhooks) > _LONGEST:
                del self._webhooks[next(iter(self._webhooks))]
            return sent

    def change_webhook(self, sent: SentWebhook) -> bool:
        """Store what came of it; False if it was forgotten meanwhile."""
        with self.lock:
            known = sent.number in self._webhooks
            if known:
                self._webhooks[sent.number] = sent
            return known

    def valid_tokens(self, now: float) -> int:
        """Return how many tokens are valid."""
        with self.lock:
            return sum(it.expires_at > now for it in self._grants.values())

    def revoke_tokens(self) -> None:
        """Revoke every token."""
        with self.lock:
            self._grants.clear()

    def clear(self) -> None:
        """Delete everything, including tokens."""
        with self.lock:
            self._begin_empty()

    def order_as_json(self, external_order_id: str) -> dict[str, Any]:
        """Return the contracts of an order, the oldest first, for JSON."""
        contracts = [
            {
                "id": each.id,
                "confirmed": each.confirmed,
                "vendorId": each.vendor_id,
                "promoCode": each.promo_code,
                "invoices": each.invoices,
            }
            for each in self.contracts(external_order_id)
        ]
        return {"contracts": contracts}

    def as_json(self) -> dict[str, Any]:
        """Return the contracts of every order and the counts, for JSON."""
        with self.lock:
            requests: dict[str, dict[str, int]] = {}
            for (endpoint, status), count in sorted(self._answers.items()):
                counts = requests.setdefault(endpoint, {})
                counts[str(status or "none")] = count
            contracts = self._contracts.values()
            totals = {
                "orders": len(self._orders),
                "contracts": self.total,
                "confirmed": sum(each.confirmed for each in contracts),
            }
            orders = {
                order: self.order_as_json(order)["contracts"]
                for order in self._orders
            }
            return {"orders": orders, "totals": totals, "requests": requests}


_WITHOUT_PERSONAL = attrs.filters.exclude("user_id", "body", "confirm_body")


class KeptLedger(Ledger):
    """A ledger whose contracts are also in a file.

    The file has a line for each contract that is created or confirmed, and
    no personal data.  Tokens and counts are not stored.  A line is written
    before the response is sent; it survives a crash of the process, but not
    a power failure.  Only one process at a time may use the file.

    Attributes:
        path: The file, as an absolute path; it is created if missing.
        world: A unique name of the file, new after each `clear`.

    Raises:
        ConfigurationError: The file can't be read or written, or it is
            not a ledger.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__()
        # Absolute: the process may change its directory.
        self.path: Path = Path(path).absolute()
        try:
            self.world: str = self._load() or self._begin()
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigurationError(
                f"The sandbox's ledger {self.path} can't be used: "
                f"{getattr(error, 'strerror', None) or 'it is damaged'}. "
                "To start over, remove it and the journal beside it."
            ) from error

    def apply(self, contract: SoldContract, body: bytes | None = None) -> None:
        """Store a contract that is new or changed, and a create's body."""
        with self.lock:
            self._append(attrs.asdict(contract, filter=_WITHOUT_PERSONAL))
            super().apply(contract, body)

    def clear(self) -> None:
        """Delete everything, and begin another world."""
        with self.lock:
            super().clear()
            self.path.unlink()
            self.world = self._begin()

    def _begin(self) -> str:
        world = token_hex(4)
        self._append({"world": world})
        return world

    def _load(self) -> str | None:
        if not self.path.exists():
            return None
        content = self.path.read_bytes()
        whole, _, cut = content.rpartition(b"\n")
        if cut:
            # Cut off by a crash before the response.  The file is not
            # rewritten: a crash could cut that off, too.
            os.truncate(self.path, len(content) - len(cut))
        if not whole:
            return None
        first, *contracts = map(json.loads, whole.splitlines())
        world: str = first["world"]
        for contract in contracts:
            super().apply(SoldContract(user_id="", **contract))
        return world

    def _append(self, line: dict[str, Any]) -> None:
        private = partial(os.open, mode=0o600)
        with open(self.path, "a", encoding="utf-8", opener=private) as file:
            file.write(f"{json.dumps(line)}\n")


def record(
    request: SandboxRequest,
    route: Route,
    fault: Fault | None,
    answer: Answer,
    at: float,
) -> RecordedCall:
    if fault is not None and fault.kind is FaultKind.DROP_BEFORE:
        # Neither its headers nor its body were read.
        request = attrs.evolve(request, query="", headers={}, body=b"")
    sent = _sent(request)
    order_id = sent.get("externalOrderId")
    headers = Headers(request.headers)
    lost = answer.delivery is Delivery.NOTHING
    return RecordedCall(
        at=at,
        endpoint=route.endpoint,
        status=NO_ANSWER if lost else answer.status,
        reason=_reason(answer) if answer.status >= _REFUSED else "",
        external_order_id=order_id if isinstance(order_id, str) else "",
        promo_code=route.promo_code,
        contract_id=route.contract_id,
        at_once=confirms_at_once(request.query),
        fault="" if fault is None else str(fault),
        fields=tuple(islice(_names(sent, _SHAPE), _MOST_FIELDS)),
        headers=Headers({n: headers[n] for n in headers if n not in _SECRET}),
        authorization=Secret.hide(headers.get("authorization")),
    )


_REFUSED = 400


def _reason(answer: Answer) -> str:
    """Return what a response says; the sandbox repeats no values in it."""
    content: object = None
    with suppress(ValueError):
        content = json.loads(answer.body)
    match content:
        case (
            {"error": {"message": str(said)}}
            | {"message": str(said)}
            | {"error_description": str(said)}
        ):
            return said
        case _:  # A fault has made it HTML, or damaged it.
            return ""


_SHAPE: Mapping[str, Shape] = {**ORDER, **CONFIRMATION}
_SECRET = {"authorization", "cookie", "proxy-authorization"}
_MOST_FIELDS = 100
# A body of another type than it says may be taken for a name.
_NAME = re.compile(r"[A-Za-z_][\w-]{0,39}", re.ASCII)


def _sent(request: SandboxRequest) -> Mapping[str, Any]:
    """Return the fields of a body, JSON or form; none if it is neither."""
    kind = request.headers.get("content-type", "").lower()
    if kind.startswith("application/x-www-form-urlencoded"):
        text = request.body.decode(errors="replace")
        return dict(parse_qsl(text, keep_blank_values=True))
    try:
        body = parse(request.body)
    except ValueError:
        return {}
    return body if is_object(body) else {}


def _names(
    value: Mapping[str, Any], shape: Mapping[str, Shape], path: str = ""
) -> Iterator[str]:
    """Yield the path of each field, but not the names in free objects.

    Those, as in ``extraData``, are the caller's own, and may be personal.
    """
    for name, inner in value.items():
        known = shape.get(name, "")
        if isinstance(known, Mapping) and is_object(inner):
            yield from _names(inner, known, f"{path}{name}.")
        else:
            yield f"{path}{name if _NAME.fullmatch(name) else '?'}"
