"""Where tokens live between calls, and between runs."""

from __future__ import annotations

import json
import os
import stat
import tempfile
import time
import warnings
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, cast, runtime_checkable

import attrs

from sesamy_async._call import Secret
from sesamy_async.errors import ConfigurationError


class TokenStoreWarning(UserWarning):
    """A token store can't be used; calls go on without it."""


@attrs.frozen
class StoredToken:
    """A token as a store keeps it.

    Attributes:
        value: The token alone; a `Secret`, however it was given.
        expires_at: Unix seconds.
        scope: What it permits, if the token endpoint said so.
    """

    value: Secret = attrs.field(converter=Secret)
    expires_at: float
    scope: str | None = None


@runtime_checkable
class TokenStore(Protocol):
    """Keeps tokens; may be shared by clients, threads and processes.

    A store is a convenience: where it fails, a token is got anew.  Its
    methods must be quick, for they run between two awaits.
    """

    def load(self, key: str) -> StoredToken | None:
        """Return what was saved, be it expired or not, or None."""
        ...

    def save(self, key: str, token: StoredToken) -> None:
        """Keep the token, in place of an earlier one."""
        ...

    def discard(self, key: str) -> None:
        """Forget the token, if there is one."""
        ...


class MemoryTokenStore:
    """Keeps tokens in this process.

    Give the same one to several clients and they share their tokens.
    """

    def __init__(self) -> None:
        self._tokens: dict[str, StoredToken] = {}

    def load(self, key: str) -> StoredToken | None:
        """Return what was saved, be it expired or not, or None."""
        return self._tokens.get(key)

    def save(self, key: str, token: StoredToken) -> None:
        """Keep the token, in place of an earlier one."""
        self._tokens[key] = token

    def discard(self, key: str) -> None:
        """Forget the token, if there is one."""
        self._tokens.pop(key, None)


_LARGEST = 1_000_000
_PREFIX = ".tokens-"
_LONGEST_WRITE = 60.0
_END_OF_TIME = 1e12
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Not there on Windows: no following of links, no waiting for a pipe.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def default_path() -> Path:
    """Return ``sesamy/tokens.json`` in the user's cache directory.

    Raises:
        ConfigurationError: There is no home directory.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification has relative paths ignored.
    if cache.is_absolute():
        return cache / "sesamy" / "tokens.json"
    try:
        return Path.home() / ".cache" / "sesamy" / "tokens.json"
    except RuntimeError:
        raise ConfigurationError(
            "FileTokenStore needs a path, for there is no home directory."
        ) from None


def _path(value: str | os.PathLike[str] | None) -> Path:
    return default_path() if value is None else Path(value)


@attrs.frozen
class FileTokenStore:
    """Keeps tokens in a file, for scripts and the command line.

    The file has mode 0600 and is replaced as a whole, so that a reader
    never sees half of it; of two who write at once, one may have to get
    its token again.  A file that is damaged, a symbolic link, or in reach
    of other users is not believed; the next save replaces it.  Trouble
    with the file is a `TokenStoreWarning` and never fails a call.

    Attributes:
        path: ``$XDG_CACHE_HOME/sesamy/tokens.json``, or the same in
            ``~/.cache``, if not given.
    """

    path: Path = attrs.field(default=None, converter=_path)

    def load(self, key: str) -> StoredToken | None:
        """Return what was saved, be it expired or not, or None."""
        found = _read(self.path)
        if found.problem is not None:
            _warn(
                f"The token file {self.path} {found.problem}, so it is not "
                "used. Delete it; it is made anew."
            )
        return found.tokens.get(key)

    def save(self, key: str, token: StoredToken) -> None:
        """Keep the token, in place of an earlier one; drop expired ones."""
        found = _read(self.path).tokens
        now = time.time()
        tokens = {k: t for k, t in found.items() if t.expires_at > now}
        self._write({**tokens, key: token})

    def discard(self, key: str) -> None:
        """Forget the token, if there is one."""
        tokens = _read(self.path).tokens
        if tokens.pop(key, None) is not None:
            self._write(tokens)

    def _write(self, tokens: Mapping[str, StoredToken]) -> None:
        problem = _write(self.path, tokens)
        if problem is not None:
            _warn(
                f"The token file {self.path} can't be written ({problem}), "
                "so each run gets its own token. Give FileTokenStore a path "
                "that can be written."
            )


@attrs.frozen(eq=False, repr=False)
class _Found:
    tokens: dict[str, StoredToken] = attrs.field(
        factory=dict[str, StoredToken]
    )
    problem: str | None = None


def _read(path: Path) -> _Found:
    """Read the file; never raises, so its locals are in no traceback."""
    try:
        if path.is_symlink():
            return _Found(problem="is a symbolic link")
        with open(path, "rb", opener=_open) as file:
            problem = _distrust(os.fstat(file.fileno()))
            if problem is not None:
                return _Found(problem=problem)
            return _parse(file.read(_LARGEST + 1))
    except FileNotFoundError:
        return _Found()
    except OSError as error:
        return _Found(problem=f"can't be read ({error.strerror})")


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | _FLAGS)


def _distrust(facts: os.stat_result) -> str | None:
    if not stat.S_ISREG(facts.st_mode):
        return "is no regular file"
    user = getattr(os, "geteuid", None)
    if user is None:
        return None
    if facts.st_uid != user():
        return "belongs to another user"
    return "can be reached by others" if facts.st_mode & _OTHERS else None


def _parse(content: bytes) -> _Found:
    if len(content) > _LARGEST:
        return _Found(problem="is damaged")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        return _Found(problem="is damaged")
    if not isinstance(data, dict):
        return _Found(problem="is damaged")
    entries = cast("dict[str, Any]", data)
    tokens = {
        key: token
        for key, entry in entries.items()
        if (token := _token(entry)) is not None
    }
    damaged = len(tokens) < len(entries)
    return _Found(tokens, "is damaged" if damaged else None)


def _token(entry: object) -> StoredToken | None:
    if not isinstance(entry, dict):
        return None
    fields = cast("dict[str, Any]", entry)
    value, scope = fields.get("value"), fields.get("scope")
    expires_at = fields.get("expires_at")
    if (
        not isinstance(value, str)
        or not isinstance(expires_at, int | float)
        or not isinstance(scope, str | None)
    ):
        return None
    # An integer may be too large for a float, and Python's JSON has NaN.
    if not 0 <= expires_at < _END_OF_TIME:
        return None
    return StoredToken(value, float(expires_at), scope)


def _write(path: Path, tokens: Mapping[str, StoredToken]) -> str | None:
    """Write the file; return what went wrong, if anything did."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(path.parent)
        # It makes the file with mode 0600.
        handle, name = tempfile.mkstemp(prefix=_PREFIX, dir=path.parent)
        try:
            with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 - it is opened already
                file.write(_dump(tokens))
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        return error.strerror or type(error).__name__
    return None


def _sweep(folder: Path) -> None:
    """Remove what writers left that were killed; they hold tokens.

    A file of the last minute may be of one who is still writing.
    """
    before = time.time() - _LONGEST_WRITE
    for left in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if left.lstat().st_mtime < before:
                left.unlink()


def _dump(tokens: Mapping[str, StoredToken]) -> str:
    return json.dumps(
        {
            key: {
                "value": token.value.reveal(),
                "expires_at": token.expires_at,
                "scope": token.scope,
            }
            for key, token in tokens.items()
        },
        indent=1,
    )


def _warn(message: str) -> None:
    warnings.warn(message, TokenStoreWarning, stacklevel=3)
