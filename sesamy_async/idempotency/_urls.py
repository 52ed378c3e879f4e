"""The store that a URL names."""

from __future__ import annotations

import re
from importlib import import_module
from urllib.parse import SplitResult, unquote, urlsplit

from sesamy_async._call import guarded
from sesamy_async.errors import ConfigurationError

from ._records import MemoryStore
from ._store import IdempotencyStore


_ARGUMENT = "idempotency (SESAMY_IDEMPOTENCY)"
_FORMS = (
    "It can be sqlite:///var/lib/shop/orders.db (a path from the root), "
    "sqlite:orders.db (a path from the current folder), "
    "postgresql://user:password@host/database, "
    "redis://host:6379/0, rediss://host:6379/0 (TLS), or memory:"
)

# Scheme, module, class.
_SERVERS = {
    "postgresql": ("_postgres", "PostgresStore"),
    "postgres": ("_postgres", "PostgresStore"),
    "redis": ("_redis", "RedisStore"),
    "rediss": ("_redis", "RedisStore"),
    "unix": ("_redis", "RedisStore"),
}
_DRIVE = re.compile(r"/+[A-Za-z]:[/\\]")


@guarded
def store_from_url(url: str) -> IdempotencyStore:
    """Return the store that a URL names; it connects when it is first used.

    Args:
        url: ``sqlite:///var/lib/shop/orders.db`` (a path from the root),
            ``sqlite:///C:/shop/orders.db``, ``sqlite:orders.db`` (a path
            from the current folder), ``postgresql://...``,
            ``redis://...``, ``rediss://...``, ``unix://...`` (a Redis on
            this machine), or ``memory:``.

    Raises:
        ConfigurationError: The URL is invalid, or an extra is missing.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        raise _refused("is not a URL") from None
    if parts.scheme in _SERVERS:
        module, name = _SERVERS[parts.scheme]
        home = import_module(f"{__package__}.{module}")
        store: IdempotencyStore = getattr(home, name)(url)
        return store
    if parts.scheme == "sqlite":
        # Like those of the servers, it loads only if it is used.
        from ._sqlite import SQLiteStore  # noqa: PLC0415

        return SQLiteStore(_path(parts))
    if parts.scheme == "memory":
        if any(parts[1:]):
            raise _refused("has text after memory:, where none is allowed")
        return MemoryStore()
    if not parts.scheme:
        raise _refused("has no scheme; for a file, begin with sqlite:")
    # A secret may stand there by mistake, but not in front of "://".
    shown = f" {parts.scheme}://" if "://" in url else ""
    raise _refused(f"has an unknown scheme{shown}")


def _path(parts: SplitResult) -> str:
    if parts.netloc:
        raise _refused(
            "has a host, but a file has none; write sqlite:///path with "
            "three slashes, or sqlite:path"
        )
    if parts.query or parts.fragment:
        raise _refused(
            "has a ? or a #; in the path of a file, write %3F or %23"
        )
    path = unquote(parts.path)
    if _DRIVE.match(path):
        return path.lstrip("/")
    if path.startswith("/"):
        path = f"/{path.lstrip('/')}"
    if path.endswith("/") or not path or "\0" in path:
        raise _refused("does not name a file")
    if path == ":memory:":
        raise _refused(
            "does not name a file; for a store in memory, write memory:"
        )
    return path


def _refused(what: str) -> ConfigurationError:
    # Nothing else of it: it may hold a password.
    return ConfigurationError(f"{_ARGUMENT} {what}. {_FORMS}.")
