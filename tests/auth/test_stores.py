"""Where tokens are kept: in memory, or in a file that only we can read."""

from __future__ import annotations

import copy
import itertools
import json
import os
import pickle
import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
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


URL = "https://token.sesamy.com/oauth/token"
LATER = 9e9
TOKEN = StoredToken("canary-t0ken", LATER, "s")
OTHER = StoredToken("other", LATER)
# Typed loosely, for the options vary.
make: Any = ClientCredentials


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


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a path in a directory that is not there yet."""
    return tmp_path / "cache" / "sesamy" / "tokens.json"


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_outlives_its_store(path: Path) -> None:
    """The next run finds the token."""
    FileTokenStore(path).save("a", TOKEN)

    assert FileTokenStore(path).load("a") == TOKEN


def test_the_file_is_private(path: Path) -> None:
    """The file has 0600 and its directory, if it was made, 0700."""
    FileTokenStore(path).save("a", TOKEN)

    assert (
        mode(path),
        mode(path.parent),
        [each.name for each in path.parent.iterdir()],
    ) == (0o600, 0o700, ["tokens.json"])


def test_leftovers_of_killed_writers(path: Path) -> None:
    """What a writer left that was killed is removed by the next one."""
    path.parent.mkdir(parents=True)
    left, young = (
        path.parent / f".tokens.json.{name}.new" for name in ("old", "young")
    )
    left.write_text("{}")
    young.write_text("{}")
    os.utime(left, (time.time() - 61, time.time() - 61))
    FileTokenStore(path).save("a", TOKEN)

    assert {path, young} == {*path.parent.iterdir()}


def test_the_file_maps_keys_to_unix_times(path: Path) -> None:
    """Its form is fixed: another version may read it."""
    FileTokenStore(path).save("a", TOKEN)

    assert json.loads(path.read_text()) == {
        "a": {"value": "canary-t0ken", "expires_at": LATER, "scope": "s"}
    }


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
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    expected: str,
) -> None:
    """As the XDG specification says; a relative directory is ignored."""
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

    with pytest.raises(ConfigurationError, match="needs a path"):
        FileTokenStore()


def damage(content: bytes) -> Callable[[Path], object]:
    """Return what writes this into the file."""
    return lambda path: path.write_bytes(content)


def link(path: Path) -> None:
    """Put a symbolic link to a good file in place of it."""
    path.rename(path.with_name("real"))
    path.symlink_to("real")


def pipe(path: Path) -> None:
    """Put a pipe in place of it, which would block a reader."""
    path.unlink()
    os.mkfifo(path, mode=0o600)


def directory(path: Path) -> None:
    """Put a directory in place of it."""
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
    """A warning says what to do, and a save mends it where it can."""
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
    """Only what can't be read is lost."""
    store = FileTokenStore(path)
    store.save("a", TOKEN)
    data = {**json.loads(path.read_text()), "b": 1}
    path.write_text(json.dumps(data))
    with pytest.warns(TokenStoreWarning, match="is damaged"):
        loaded = store.load("a")

    assert loaded == TOKEN


def test_a_foreign_file_is_ignored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else could have put his own token there."""
    store = FileTokenStore(path)
    store.save("a", TOKEN)
    monkeypatch.setattr(os, "geteuid", lambda: path.stat().st_uid + 1)

    with pytest.warns(TokenStoreWarning, match="belongs to another user"):
        assert store.load("a") is None


def test_where_there_are_no_users_all_files_are_believed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Windows has neither owners nor modes of this kind."""
    store = FileTokenStore(path)
    store.save("a", TOKEN)
    monkeypatch.delattr(os, "geteuid")

    assert store.load("a") == TOKEN


def test_a_failing_write_only_warns(tmp_path: Path) -> None:
    """The call goes on; the warning says what to give."""
    blocked = tmp_path / "file"
    blocked.touch()
    store = FileTokenStore(blocked / "tokens.json")

    with pytest.warns(TokenStoreWarning, match="can't be written.*a path"):
        store.save("a", TOKEN)


def test_a_failed_replace_leaves_no_rest(path: Path) -> None:
    """No temporary file with a token in it is left behind."""
    path.mkdir(parents=True)
    (path / "x").touch()
    with pytest.warns(TokenStoreWarning, match="can't be written"):
        FileTokenStore(path).save("a", TOKEN)

    assert [each.name for each in path.parent.iterdir()] == ["tokens.json"]


def test_concurrent_writers_do_not_corrupt(path: Path) -> None:
    """Every reader finds a whole file, whatever others write."""
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
