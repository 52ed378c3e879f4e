"""Where tokens are kept: in memory, in a private file, or in a Redis."""

from __future__ import annotations

import copy
import itertools
import json
import os
import pickle
import stat
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sesamy_async.auth import (
    ClientCredentials,
    FileTokenStore,
    MemoryTokenStore,
    StoredToken,
    TokenStore,
    TokenStoreWarning,
    store_key,
)
from sesamy_async.errors import ConfigurationError
from sesamy_async.redis import RedisTokenStore


URL = "https://token.sesamy.com/oauth/token"
LATER = 9e9
TOKEN = StoredToken("canary-t0ken", LATER, "s")
OTHER = StoredToken("other", LATER)
# Typed loosely, for the options vary.
make: Any = ClientCredentials


@pytest.fixture(params=["memory", "file", "redis"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[TokenStore]:
    """Return each store."""
    if request.param != "redis":
        file = request.param == "file"
        yield (
            FileTokenStore(tmp_path / "tokens")
            if file
            else (MemoryTokenStore())
        )
        return
    with closing(
        RedisTokenStore(request.getfixturevalue("redis").url)
    ) as shared:
        yield shared


def facts(store: TokenStore, key: str) -> tuple[object, object] | None:
    """Return value and scope of what is loaded."""
    loaded = store.load(key)
    return None if loaded is None else (loaded.value, loaded.scope)


def test_what_is_saved_is_loaded(store: TokenStore) -> None:
    """Each key has its own token; discarding one leaves the others."""
    empty = store.load("a")
    store.save("a", OTHER)
    store.save("a", TOKEN)
    store.save("b", OTHER)
    both = facts(store, "a"), facts(store, "b")
    store.discard("a")
    store.discard("a")

    assert (empty, both, facts(store, "a"), facts(store, "b")) == (
        None,
        ((TOKEN.value, "s"), (OTHER.value, None)),
        None,
        (OTHER.value, None),
    )


def test_the_end_of_a_token_is_kept(store: TokenStore) -> None:
    """To the second, at least."""
    saved = StoredToken("a", time.time() + 600.0)
    store.save("a", saved)
    loaded = store.load("a")

    assert loaded is not None
    assert saved.expires_at == pytest.approx(loaded.expires_at, abs=1.0)


def test_memory_does_not_show_its_tokens() -> None:
    """Neither its repr nor a copy shows them, and it can't be pickled."""
    store = MemoryTokenStore()
    store.save("a", TOKEN)

    assert "canary" not in repr(store) + repr(copy.deepcopy(store).__dict__)
    with pytest.raises(TypeError, match="can't be pickled"):
        pickle.dumps(store)


def test_a_key_depends_on_all_that_the_token_does() -> None:
    """URL, id, scope, audience and organization each change it."""
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
    """A digest of the secret would help to guess it."""
    assert store_key(URL, ClientCredentials("id", "one")) == store_key(
        URL, ClientCredentials("id", "two", encoding="basic")
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a path in a directory that is not there yet."""
    return tmp_path / "cache" / "sesamy" / "tokens.json"


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_the_file_is_private_and_of_a_fixed_form(path: Path) -> None:
    """Another process or version may read it, but no other user."""
    FileTokenStore(path).save("a", TOKEN)

    assert FileTokenStore(path).load("a") == TOKEN
    assert json.loads(path.read_text()) == {
        "a": {"value": "canary-t0ken", "expires_at": LATER, "scope": "s"}
    }
    assert (mode(path), mode(path.parent)) == (0o600, 0o700)
    assert [path] == [*path.parent.iterdir()]


def test_leftovers_of_killed_writers_are_removed(path: Path) -> None:
    """A younger file may belong to a process that is still writing."""
    path.parent.mkdir(parents=True)
    left, young = (
        path.parent / f".tokens.json.{name}.new" for name in ("old", "young")
    )
    left.write_text("{}")
    young.write_text("{}")
    os.utime(left, (time.time() - 61, time.time() - 61))
    FileTokenStore(path).save("a", TOKEN)

    assert {path, young} == {*path.parent.iterdir()}


def test_expired_tokens_are_dropped_at_save(path: Path) -> None:
    """The file does not grow; an expired one can still be loaded."""
    store = FileTokenStore(path)
    old = StoredToken("old", time.time() - 1)
    store.save("old", old)
    loaded = store.load("old")
    store.save("a", TOKEN)

    assert (old, {"a"}) == (loaded, set(json.loads(path.read_text())))


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"XDG_CACHE_HOME": "/x"}, "/x/sesamy/tokens.json"),
        (
            {"XDG_CACHE_HOME": "x", "HOME": "/h"},
            "/h/.cache/sesamy/tokens.json",
        ),
        ({"HOME": "/h"}, "/h/.cache/sesamy/tokens.json"),
    ],
)
def test_the_default_path_is_the_users_cache(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], expected: str
) -> None:
    """By the XDG specification, which ignores a relative directory."""
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert Path(expected) == FileTokenStore().path


def test_without_a_home_a_path_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The error says what to give."""

    def fail() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", fail)

    with pytest.raises(ConfigurationError, match="no home directory"):
        FileTokenStore()


def damage(content: bytes) -> Callable[[Path], object]:
    """Return what writes this into the file."""
    return lambda path: path.write_bytes(content)


def link(path: Path) -> None:
    """Replace it with a symbolic link to it."""
    path.rename(path.with_name("real"))
    path.symlink_to("real")


def pipe(path: Path) -> None:
    """Replace it with a pipe, which would block a reader."""
    path.unlink()
    os.mkfifo(path, mode=0o600)


def directory(path: Path) -> None:
    """Replace it with a directory."""
    path.unlink()
    path.mkdir()


ENTRY = b'{"a": {"value": "x", "expires_at": 9e9, "scope": null}}'


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (damage(b""), "is damaged"),
        (damage(b"\xff"), "is damaged"),
        (damage(b"[]"), "is damaged"),
        (damage(b"[" * 100_000), "is damaged"),
        (damage(b'{"a": 1}'), "is damaged"),
        (damage(ENTRY.replace(b'"x"', b"1")), "is damaged"),
        (damage(ENTRY.replace(b"9e9", b"null")), "is damaged"),
        (damage(ENTRY.replace(b"9e9", b"NaN")), "is damaged"),
        (damage(ENTRY.replace(b"9e9", b"9" * 400)), "is damaged"),
        (damage(ENTRY.replace(b"9e9", b"-1")), "is damaged"),
        (damage(ENTRY.replace(b"null", b"[]")), "is damaged"),
        (damage(ENTRY + b" " * 1_000_000), "is damaged"),
        (lambda path: path.chmod(0o640), "is accessible to others"),
        (lambda path: path.chmod(0o604), "is accessible to others"),
        (link, "is a symbolic link"),
        (pipe, "is not a regular file"),
        (directory, "can't be read"),
    ],
)
def test_a_file_that_can_not_be_trusted_is_ignored(
    path: Path, harm: Callable[[Path], object], words: str
) -> None:
    """A warning says what to do, and a save replaces it if it can."""
    store = FileTokenStore(path)
    store.save("a", TOKEN)
    harm(path)
    with pytest.warns(TokenStoreWarning, match=f"{words}.*Delete it"):
        loaded = store.load("a")

    assert loaded is None
    if harm is not directory:
        store.save("a", TOKEN)
        assert (store.load("a"), mode(path)) == (TOKEN, 0o600)


def test_a_damaged_entry_leaves_the_others(path: Path) -> None:
    """Only the damaged entry is lost."""
    store = FileTokenStore(path)
    store.save("a", TOKEN)
    data = {**json.loads(path.read_text()), "b": 1}
    path.write_text(json.dumps(data))
    with pytest.warns(TokenStoreWarning, match="is damaged"):
        loaded = store.load("a")

    assert loaded == TOKEN


def test_a_file_of_another_user_is_ignored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may hold another's token.  Windows has no such owners and modes."""
    store = FileTokenStore(path)
    store.save("a", TOKEN)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)
    with pytest.warns(TokenStoreWarning, match="belongs to another user"):
        assert store.load("a") is None
    monkeypatch.delattr(os, "geteuid")

    assert store.load("a") == TOKEN


def test_a_failing_write_only_warns(path: Path) -> None:
    """The warning says what to give; no file with a token is left behind."""
    path.mkdir(parents=True)
    (path / "x").touch()
    with pytest.warns(TokenStoreWarning, match="can't be written.*a path"):
        FileTokenStore(path).save("a", TOKEN)

    assert [path] == [*path.parent.iterdir()]


def test_concurrent_writers_do_not_corrupt(path: Path) -> None:
    """Every reader finds a whole file while others write."""
    store = FileTokenStore(path)
    store.save("fixed", TOKEN)

    def work(number: int) -> set[StoredToken | None]:
        seen: set[StoredToken | None] = set()
        for turn in range(20):
            store.save(f"{number}-{turn % 3}", OTHER)
            seen.add(store.load("fixed"))
        return seen

    with ThreadPoolExecutor(8) as pool:
        seen = set().union(*pool.map(work, range(8)))

    assert {TOKEN} == seen
