"""idempotency=: which store a client uses, and what it shows of it."""

from __future__ import annotations

import math
from typing import Any

import httpx
import pytest

from sesamy_async import (
    AsyncSesamy,
    ConfigurationError,
    Sesamy,
    StaticToken,
)
from sesamy_async._call import drive
from sesamy_async._once import Once, Placed
from sesamy_async.idempotency import MemoryStore
from sesamy_async.sandbox import BASE_URL, Sandbox
from support.calling import ORDER, World
from support.marks import every_world
from support.told_orders import (
    KEY,
    PROMO,
    WITHIN,
    WatchedStore,
    always_c1,
    judged,
    onboard,
    over,
)


def once(**settings: Any) -> Once | None:
    """Return the store of a client that is made so, in either kind."""
    with Sesamy("acme", auth=StaticToken("t"), **settings) as client:
        found = client._inner._caller.shared.once
    other = AsyncSesamy("acme", auth=StaticToken("t"), **settings)
    same = other._caller.shared.once

    assert (found is None) is (same is None)
    return found


def store_of(**settings: Any) -> object:
    """Return the store itself."""
    found = once(**settings)
    return None if found is None else found.store


def test_none_by_default() -> None:
    """Without a setting, clients do what they did before."""
    assert None is store_of()


def test_an_object() -> None:
    """A store is used as it is."""
    store = MemoryStore()

    assert store is store_of(idempotency=store)


@pytest.mark.parametrize("given", ["argument", "variable"])
def test_a_url(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an argument, or as SESAMY_IDEMPOTENCY."""
    settings = {}
    if given == "argument":
        settings = {"idempotency": "memory:"}
    else:
        monkeypatch.setenv("SESAMY_IDEMPOTENCY", "memory:")

    assert isinstance(store_of(**settings), MemoryStore)


def test_the_argument_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """An object, or False, counts more than the variable."""
    monkeypatch.setenv("SESAMY_IDEMPOTENCY", "nonsense")
    store = MemoryStore()

    assert store is store_of(idempotency=store)
    assert None is store_of(idempotency=False)


@pytest.mark.parametrize("given", [False, "none"])
def test_none_in_any_case(
    given: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """False switches it off; so does a word, for it fits in a variable."""
    monkeypatch.setenv("SESAMY_IDEMPOTENCY", "none")

    assert None is store_of()
    monkeypatch.setenv("SESAMY_IDEMPOTENCY", "memory:")
    assert None is store_of(idempotency=given)


@pytest.mark.parametrize("own", [False, True])
@every_world
def test_who_closes_it(
    world: World, own: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store of a URL ends with its client; one that is given does not."""
    closed: list[object] = []

    def close(store: MemoryStore) -> None:
        closed.append(store)

    monkeypatch.setattr(MemoryStore, "close", close)
    settings = Sandbox().client_settings()
    given = MemoryStore() if own else "memory:"
    world.one(onboard, **{**settings, "idempotency": given})

    assert (not own) is bool(closed)


@every_world
def test_a_store_that_can_t_be_closed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client closes nevertheless: what was called is done."""

    def fail(_: MemoryStore) -> None:
        raise OSError("It is gone.")

    monkeypatch.setattr(MemoryStore, "close", fail)
    settings = {**Sandbox().client_settings(), "idempotency": "memory:"}

    assert not isinstance(world.one(onboard, **settings), Exception)


def test_its_name_stays() -> None:
    """A later version finds the same name: journals remember it."""
    store = MemoryStore()
    store._salt = bytes(32)
    made = once(idempotency=store)
    assert made is not None

    assert (
        "6ff252782038d924b54ffa6225810d3aa03140c9fd01a4032f6d9c69c9bfdd44"
        == drive(made.name(math.inf))
    )


def test_digests_are_of_the_data() -> None:
    """Not of their order; and a later version finds the same ones."""
    store = MemoryStore()
    store._salt = bytes(32)
    made = once(idempotency=store)
    assert made is not None

    assert {
        "1:d5cdda87864936a4eae6eefaaaac165f8beca9a036122bfeb8863612e0ae62c5"
    } == {
        drive(made.digest("SPRING-12", text, math.inf))
        for text in ('{"a": 1, "b": [2]}', '{"b":[2],"a":1}')
    }


def test_an_empty_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is none."""
    monkeypatch.setenv("SESAMY_IDEMPOTENCY", "")

    assert None is store_of()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (5, "must be a store of orders, its URL, or False; got int"),
        (object(), "got object"),
        (MemoryStore, "got the class MemoryStore"),
        (b"memory:", "got bytes"),
        (True, "idempotency must be a non-empty str"),
        ("", "idempotency must be a non-empty str"),
        (" ", "SESAMY_IDEMPOTENCY"),
        ("mysql://me:CANARY@host/db", "idempotency"),
    ],
    ids=range(8),
)
@pytest.mark.parametrize("kind", [Sesamy, AsyncSesamy])
def test_what_is_wrong(wrong: Any, words: str, kind: Any) -> None:
    """The error names the setting, and no password of a URL."""
    with pytest.raises(ConfigurationError) as caught:
        kind("acme", auth=StaticToken("t"), idempotency=wrong)

    assert words in str(caught.value)
    assert "Nothing was sent." in str(caught.value)
    assert "CANARY" not in str(caught.value)


def test_a_wrong_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, too."""
    monkeypatch.setenv("SESAMY_IDEMPOTENCY", "mysql://me:CANARY@host/db")
    with pytest.raises(ConfigurationError, match="IDEMPOTENCY") as caught:
        Sesamy("acme", auth=StaticToken("t"))

    assert "CANARY" not in str(caught.value)


@every_world
def test_copies_share_it(world: World) -> None:
    """`with_options` changes nothing of that."""
    store, sandbox = MemoryStore(), Sandbox()
    calls = [
        onboard,
        lambda client: onboard(client.with_options(timeout=9)),
    ]
    _, again = world.run(calls, **over(store, sandbox))

    assert again.value.repeated
    assert (1, 1) == judged(sandbox)


@every_world
def test_it_is_not_closed_with_the_client(world: World) -> None:
    """It is the caller's, who may share it."""
    closed: list[int] = []

    class Closing(MemoryStore):
        def close(self) -> None:
            closed.append(1)

    world.one(onboard, **over(Closing(), Sandbox()))

    assert [] == closed


@every_world
def test_placed(world: World) -> None:
    """An import may say in which world its orders are."""
    store, sandbox = WatchedStore(), Sandbox()
    world.one(onboard, **over(Placed(store, where="sandbox:x"), sandbox))
    [record] = store.entries(within=WITHIN)

    assert "sandbox:x" == record.key.where
    assert BASE_URL == getattr(
        once(idempotency=Placed(store), base_url=BASE_URL), "where", None
    )


def test_reprs_show_nothing_of_it() -> None:
    """Neither does a client's."""
    client = Sesamy("acme", auth=StaticToken("t"), idempotency=MemoryStore())

    assert "MemoryStore" not in repr(client)
    assert "MemoryStore()" == repr(MemoryStore())
    client.close()


def test_urls_are_of_the_same_place() -> None:
    """Whoever writes the base URL differently means the same orders."""
    store = MemoryStore()
    for url in (BASE_URL, f"{BASE_URL.upper()}/", f"{BASE_URL}:443"):
        with Sesamy(
            "acme",
            auth=StaticToken("t"),
            base_url=url.replace("HTTPS", "https"),
            idempotency=store,
            transport=httpx.MockTransport(always_c1),
        ) as client:
            client.contracts.onboard(PROMO, ORDER)

    [record] = store.entries(within=WITHIN)
    assert KEY == record.key


def test_another_port_is_another_place() -> None:
    """A test server beside the real one has orders of its own."""
    store = MemoryStore()
    with Sesamy(
        "acme",
        auth=StaticToken("t"),
        base_url=f"{BASE_URL}:8443/v1",
        idempotency=store,
        transport=httpx.MockTransport(always_c1),
    ) as client:
        client.contracts.onboard(PROMO, ORDER)

    [record] = store.entries(within=WITHIN)
    assert f"{BASE_URL}:8443/v1" == record.key.where
