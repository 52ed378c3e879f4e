"""A URL names a store."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType

import attrs
import pytest

from sesamy_async.errors import ConfigurationError
from sesamy_async.idempotency import MemoryStore, SQLiteStore, store_from_url


_PACKAGE = "sesamy_async.idempotency"
_SECRET = "pa55word"


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///var/lib/shop/orders.db", "/var/lib/shop/orders.db"),
        ("sqlite:////var/lib/shop/orders.db", "/var/lib/shop/orders.db"),
        ("sqlite:/var/lib/shop/orders.db", "/var/lib/shop/orders.db"),
        ("SQLite:///orders.db", "/orders.db"),
        ("sqlite:///with%20space/%3F%23.db", "/with space/?#.db"),
        ("sqlite:orders.db", "orders.db"),
        ("sqlite:relative/orders.db", "relative/orders.db"),
        ("sqlite:./orders.db", "orders.db"),
        ("sqlite:../orders.db", "../orders.db"),
        ("sqlite:ö.db", "ö.db"),
        ("sqlite:///C:/shop/orders.db", "C:/shop/orders.db"),
        ("sqlite:C:/shop/orders.db", "C:/shop/orders.db"),
        ("sqlite:///c:%5Cshop%5Corders.db", "c:\\shop\\orders.db"),
    ],
)
def test_names_a_file(url: str, path: str) -> None:
    """A file is named by its path, from the root or from here."""
    with closing(store_from_url(url)) as store:
        assert isinstance(store, SQLiteStore)
        assert Path(path).absolute() == store.path


@pytest.mark.parametrize("url", ["memory:", "memory://"])
def test_names_memory(url: str) -> None:
    """A store in memory has nothing to name."""
    assert isinstance(store_from_url(url), MemoryStore)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "has no scheme; for a file, begin with sqlite:"),
        ("orders.db", "has no scheme"),
        ("/var/lib/orders.db", "has no scheme"),
        (f"mysql://me:{_SECRET}@host/db", "an unknown scheme mysql://"),
        (f"me:{_SECRET}@host/db", "has an unknown scheme"),
        (f"http://[{_SECRET}", "is not a URL"),
        ("sqlite:", "does not name a file"),
        ("sqlite://", "does not name a file"),
        ("sqlite:///", "does not name a file"),
        ("sqlite:folder/", "does not name a file"),
        ("sqlite:a%00b", "does not name a file"),
        ("sqlite::memory:", "for a store in memory, write memory:"),
        (f"sqlite://{_SECRET}/orders.db", "has a host, but a file has none"),
        (f"sqlite:orders.db?key={_SECRET}", "write %3F or %23"),
        (f"sqlite:orders.db#{_SECRET}", "write %3F or %23"),
        (f"memory:{_SECRET}", "has text after memory:"),
        (f"memory://{_SECRET}", "has text after memory:"),
    ],
)
def test_refuses_what_names_no_store(url: str, said: str) -> None:
    """What is wrong is said, and what can be given; but no secret is."""
    with pytest.raises(ConfigurationError) as caught:
        store_from_url(url)

    told = str(caught.value)
    assert "idempotency (SESAMY_IDEMPOTENCY)" in told
    assert said in told
    for form in ("sqlite:///", "sqlite:", "postgresql://", "redis://"):
        assert form in told
    assert _SECRET not in told
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or not caught.value.__context__


@attrs.frozen
class _Store:
    url: str


@pytest.mark.parametrize(
    ("scheme", "module", "name"),
    [
        ("postgresql", "_postgres", "PostgresStore"),
        ("postgres", "_postgres", "PostgresStore"),
        ("redis", "_redis", "RedisStore"),
        ("rediss", "_redis", "RedisStore"),
    ],
)
def test_names_a_server(
    monkeypatch: pytest.MonkeyPatch, scheme: str, module: str, name: str
) -> None:
    """A store on a server gets the whole URL."""
    home = ModuleType(module)
    setattr(home, name, _Store)
    monkeypatch.setitem(sys.modules, f"{_PACKAGE}.{module}", home)
    url = f"{scheme}://me:{_SECRET}@host/0?option=1"

    store: object = store_from_url(url)

    assert _Store(url) == store
