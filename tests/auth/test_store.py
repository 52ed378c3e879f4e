"""Each set of credentials has its own token, in either store."""

from __future__ import annotations

import copy
import itertools
import pickle
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.auth import (
    ClientCredentials,
    FileTokenStore,
    MemoryTokenStore,
    TokenStore,
    store_key,
)
from support.tokens import OTHER, TOKEN


# Typed loosely, for the options vary.
make: Any = ClientCredentials
URL = "https://token.sesamy.com/oauth/token"


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> TokenStore:
    """Return either store."""
    file = request.param == "file"
    return FileTokenStore(tmp_path / "tokens") if file else MemoryTokenStore()


def test_what_is_saved_is_loaded(store: TokenStore) -> None:
    """Each key has its own token; discarding one leaves the others."""
    empty = store.load("a")
    store.save("a", OTHER)
    store.save("a", TOKEN)
    store.save("b", OTHER)
    both = store.load("a"), store.load("b")
    store.discard("a")
    store.discard("a")

    assert (
        empty,
        both,
        store.load("a"),
        store.load("b"),
    ) == (None, (TOKEN, OTHER), None, OTHER)


def test_memory_does_not_show_its_tokens() -> None:
    """Neither repr nor a copy's repr tells them, and no pickle."""
    store = MemoryTokenStore()
    store.save("a", TOKEN)

    assert "canary" not in repr(store) + repr(copy.deepcopy(store).__dict__)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(store)


def test_a_key_tells_all_apart() -> None:
    """URL, id, scope, audience, organization: each makes another key."""
    keys = [
        store_key(url, make(client, "s", **rest))
        for url, client, rest in itertools.product(
            [URL, "https://other"],
            ["id", "id2"],
            [
                {},
                {"scope": "x"},
                {"audience": "x"},
                {"organization": "x"},
                {"audience": "x", "organization": "y"},
            ],
        )
    ]

    assert len(keys) == len(set(keys))


def test_a_key_has_no_secret_in_it() -> None:
    """A digest of the secret would let a reader guess at it."""
    assert store_key(URL, ClientCredentials("id", "one")) == store_key(
        URL, ClientCredentials("id", "two", encoding="basic")
    )
