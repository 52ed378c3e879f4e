"""What somebody finds out, or a lookup knows, settles unknown orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import anyio.lowlevel
import attrs
import pytest

from sesamy_async import AsyncSesamy, SesamyError
from sesamy_async.bulk import (
    Change,
    Confirm,
    Found,
    InputFileError,
    JournalError,
    State,
)
from sesamy_async.bulk.journal import Finding, Journal, reconcile, resolve
from sesamy_async.sandbox import (
    PromoCode,
    Sandbox,
    SandboxConfig,
    SandboxLookup,
    Vendor,
    running,
)
from support.journals import TERMS, bring, new_journal
from support.sandbox_settings import arguments
from support.wire import ORDER


SETTLED = "only unknown orders can be settled"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    """Return a journal in which A-2 to A-6 are unknown, and A-7 is not."""
    with new_journal(tmp_path / "j", rows=6) as journal:
        for row in range(2, 7):
            bring(journal, row, State.UNKNOWN)
        yield journal


def found(
    order_id: str, contract_id: str | None = None, **more: Any
) -> Finding:
    """Return what was found out."""
    return Finding(order_id=order_id, contract_id=contract_id, **more)


def kept(journal: Journal, order_id: str) -> tuple[object, ...]:
    """Return what a journal has of an order."""
    entry = journal.entry(order_id)
    assert entry is not None
    return entry.state, entry.contract_id, entry.reason


@pytest.mark.parametrize("confirm", Confirm)
def test_resolve(tmp_path: Path, confirm: Confirm) -> None:
    """A confirmed contract ends an order; without one it is sent again."""
    terms = attrs.evolve(TERMS, confirm=confirm)
    with new_journal(tmp_path / "k", terms) as journal:
        for row in (2, 3, 4):
            bring(journal, row, State.UNKNOWN)
        settled = resolve(
            journal,
            [
                found("A-2", "c1"),
                found("A-3"),
                found("A-4", "c3", confirmed=True),
            ],
        )

        assert 3 == settled
        assert (State.CREATED, "c1", None) == kept(journal, "A-2")
        assert (State.PENDING, None, None) == kept(journal, "A-3")
        assert (confirm.goal, "c3", None) == kept(journal, "A-4")


def test_all_or_nothing(journal: Journal) -> None:
    """All that is wrong is named, with where it stands; nothing is settled."""
    bring(journal, 7, State.CREATED)
    problems = (
        "row 3: order 'A-2' is given twice",
        f"row 4: order 'A-7' is created; {SETTLED}",
        "order 'A-9' is not in the journal",
        "order 'A-9' is given twice",
        "order 'A-3' can't have the contract of row 2",
        "order 'A-4' can't have the contract of row 7",
    )
    with pytest.raises(InputFileError) as raised:
        resolve(
            journal,
            [
                found("A-2", "c1", where="row 2"),
                found("A-2", "c2", where="row 3"),
                found("A-7", where="row 4"),
                found("A-9"),
                found("A-9"),
                found("A-3", "c1"),
                found("A-4", "c-7"),
            ],
        )

    assert problems == raised.value.problems
    assert (
        f"Nothing was settled: {'; '.join(problems)}."
        == (raised.value.args[0])
    )
    assert 5 == journal.counts()[State.UNKNOWN]


def test_the_contract_may_be_its_own(journal: Journal) -> None:
    """An order may have a contract whose confirm was refused."""
    bring(journal, 7, State.CREATED)
    journal.apply([Change(row=7, state=State.UNKNOWN)])

    assert 1 == resolve(journal, [found("A-7", "c-7")])


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


async def test_reconcile(journal: Journal) -> None:
    """An order with a contract is done, or confirmed later; else sent."""
    answers = {
        "A-2": None,
        "A-3": Found(contract_id="c3", confirmed=False),
        "A-4": Found(contract_id="c4", confirmed=True),
        # Only True says that it is confirmed.
        "A-5": Found(contract_id="c5", confirmed=cast("bool", "no")),
    }
    result = await reconcile(journal, Knows(answers.get))

    assert (3, 2, 0) == (result.created, result.not_created, result.unknown)
    assert (State.PENDING, None, None) == kept(journal, "A-2")
    assert (State.CREATED, "c3", None) == kept(journal, "A-3")
    assert (State.CONFIRMED, "c4", None) == kept(journal, "A-4")
    assert (State.CREATED, "c5", None) == kept(journal, "A-5")


@pytest.mark.parametrize(
    ("settings", "most"),
    [({"concurrency": 1}, 1), ({"concurrency": 3}, 3), ({}, 8)],
)
async def test_concurrency(
    tmp_path: Path, settings: dict[str, Any], most: int
) -> None:
    """No more are asked for at once than is allowed: eight by default."""
    lookup = Knows(lambda _: None)
    with new_journal(tmp_path / "k", rows=9) as journal:
        for row in range(2, 11):
            bring(journal, row, State.UNKNOWN)
        await reconcile(journal, lookup, **settings)

        assert most == lookup.most
        assert 9 == journal.counts()[State.PENDING]


async def test_can_not_say(journal: Journal) -> None:
    """Whatever a lookup raises, or returns by mistake, settles nothing."""
    bring(journal, 7, State.CREATED)

    def answer(order_id: str) -> Any:
        match order_id:
            case "A-2":
                raise KeyError("astrid@example.com")
            case "A-3":
                return False
            case "A-4":
                return Found(contract_id="", confirmed=True)
            case "A-5":
                return Found(contract_id=cast("str", None), confirmed=False)
            case _:
                return Found(contract_id="c-7", confirmed=True)

    result = await reconcile(journal, Knows(answer))
    expected = Counter(
        {
            "KeyError": 1,
            "AttributeError": 1,
            "InvalidRequestError": 2,
            "contract of row 7": 1,
        }
    )

    assert (expected, 5) == (result.failures, result.unknown)
    assert 5 == journal.counts()[State.UNKNOWN]


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
