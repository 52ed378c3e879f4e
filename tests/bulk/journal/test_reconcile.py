"""A lookup settles what it can say; all else stays unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import anyio
import anyio.lowlevel
import attrs
import pytest

from sesamy_async import AsyncSesamy, SesamyError
from sesamy_async.bulk import Found, JournalError, State
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._settling import reconcile
from sesamy_async.sandbox import (
    PromoCode,
    Sandbox,
    SandboxConfig,
    SandboxLookup,
    Vendor,
    running,
)
from support.journals import bring, new_journal
from support.sandbox_settings import arguments
from support.wire import ORDER


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal of which all but the last order are unknown."""
    with new_journal(tmp_path / "j", rows=21) as journal:
        for row in range(2, 22):
            bring(journal, row, State.UNKNOWN)
        yield journal


class Knows:
    """A lookup that asks a function, and counts who asks at once."""

    def __init__(self, answer: Callable[[str], Any]) -> None:
        self._answer = answer
        self._asking = 0
        self.most = 0

    async def find(self, external_order_id: str) -> Found | None:
        """Answer, after others had their turn."""
        self._asking += 1
        self.most = max(self.most, self._asking)
        await anyio.lowlevel.checkpoint()
        self._asking -= 1
        answer: Found | None = self._answer(external_order_id)
        return answer


async def test_settled(journal: Journal) -> None:
    """What has a contract is done, or confirmed yet; what has none is sent."""

    def answer(order_id: str) -> Found | None:
        if order_id == "A-2":
            return None
        return Found(contract_id=f"of {order_id}", confirmed=order_id != "A-3")

    result = await reconcile(journal, Knows(answer))
    first, second = journal.entry("A-2"), journal.entry("A-3")

    assert (19, 1, 0) == (result.created, result.not_created, result.unknown)
    assert first is not None
    assert second is not None
    assert (State.PENDING, None) == (first.state, first.contract_id)
    assert (State.CREATED, "of A-3") == (second.state, second.contract_id)
    assert 18 == journal.counts()[State.CONFIRMED]


@pytest.mark.parametrize(
    ("settings", "most"),
    [({"concurrency": 1}, 1), ({"concurrency": 3}, 3), ({}, 8)],
)
async def test_concurrency(
    journal: Journal, settings: dict[str, int], most: int
) -> None:
    """No more are asked for at once than is allowed: eight, if not said."""
    lookup = Knows(lambda _: None)
    await reconcile(journal, lookup, **settings)

    assert most == lookup.most
    assert 21 == journal.counts()[State.PENDING]


async def test_can_not_say(journal: Journal) -> None:
    """Whatever a lookup raises, or returns by mistake, settles nothing."""

    def answer(order_id: str) -> Any:
        match order_id:
            case "A-2":
                raise SesamyError("not now")
            case "A-3":
                raise KeyError("astrid@example.com")
            case "A-4":
                return False
            case "A-5":
                return Found(contract_id="", confirmed=True)
            case "A-6":
                return Found(contract_id=cast("str", None), confirmed=False)
            case _:
                return None

    result = await reconcile(journal, Knows(answer))

    assert result.failures == Counter(
        SesamyError=1, KeyError=1, AttributeError=1, InvalidRequestError=2
    )
    assert (5, 15) == (result.unknown, result.not_created)
    assert ["A-2", "A-3", "A-4", "A-5", "A-6"] == [
        entry.order_id for entry in journal.entries(states={State.UNKNOWN})
    ]


@pytest.mark.parametrize("concurrency", [1, 2])
async def test_journal_fails(journal: Journal, concurrency: int) -> None:
    """If the journal fails, its error is what is raised, once."""

    def answer(order_id: str) -> None:
        if order_id == "A-4":
            journal.path.unlink()

    with pytest.raises(JournalError, match="deleted, moved or replaced"):
        await reconcile(journal, Knows(answer), concurrency=concurrency)


async def _sell(client: AsyncSesamy, order_id: str) -> str:
    order = attrs.evolve(ORDER, external_order_id=order_id)
    contract = await client.contracts.create("SPRING-12", order, confirm=False)
    return contract.id


def _client(sandbox: Sandbox, url: str | None = None) -> AsyncSesamy:
    return AsyncSesamy(
        **arguments(sandbox.environment(url)),
        transport=sandbox.transport() if url is None else None,
    )


@pytest.mark.parametrize("order_id", ["A-1", "å/ö%2F?#&=+ 1"])
@pytest.mark.parametrize("serve", [False, True])
async def test_sandbox(order_id: str, *, serve: bool) -> None:
    """A sandbox says which contract an order has, a confirmed one first."""
    sandbox = Sandbox()
    with running(sandbox) as url:
        async with _client(sandbox, url if serve else None) as client:
            lookup = SandboxLookup(client)
            nothing = await lookup.find(order_id)
            first = await _sell(client, order_id)
            one = await lookup.find(order_id)
            second = await _sell(client, order_id)
            await client.contracts.confirm("SPRING-12", second)
            two = await lookup.find(order_id)

    assert nothing is None
    assert Found(contract_id=first, confirmed=False) == one
    assert Found(contract_id=second, confirmed=True) == two


async def test_another_vendor() -> None:
    """The contract of another vendor's order is neither found nor ignored."""
    promo = PromoCode(code="SPRING-12", sku="d", name="D", price=1.0)
    vendors = [Vendor(id=each, promo_codes=(promo,)) for each in ("acme", "b")]
    sandbox = Sandbox(SandboxConfig(vendors=tuple(vendors)))
    async with _client(sandbox, None) as client:
        await _sell(client.with_options(vendor_id="b"), "A-1")
        with pytest.raises(SesamyError, match="Another vendor") as raised:
            await SandboxLookup(client).find("A-1")

    assert "UNKNOWN" == raised.value.outcome


@pytest.mark.parametrize(
    "answer", ["", "[]", "{}", '{"contracts": [{}]}', '{"contracts": null}']
)
async def test_no_sandbox(answer: str, api: Any, client: AsyncSesamy) -> None:
    """What is no answer of a sandbox does not mean that there is none."""
    api.get(url__regex=".*/_sandbox/orders/A-1").respond(text=answer)
    with pytest.raises(SesamyError, match="no sandbox") as raised:
        await SandboxLookup(client).find("A-1")

    assert "UNKNOWN" == raised.value.outcome
