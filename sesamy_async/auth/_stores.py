"""Where tokens are stored between calls, and between runs."""

from __future__ import annotations

import json
import os
import stat
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, runtime_checkable

import attrs

from sesamy_async._call import Secret
from sesamy_async._files import AtomicFile
from sesamy_async._models import is_object
from sesamy_async.errors import ConfigurationError


class TokenStoreWarning(UserWarning):
    """A token store can't be used; calls continue without it."""


@attrs.frozen
class StoredToken:
    """A token in a store.

    Attributes:
        value: The token without ``Bearer``; always a `Secret`.
        expires_at: When it expires, in Unix seconds.
        scope: Its scopes, if the token endpoint named them.
    """

    value: Secret = attrs.field(converter=Secret)
    expires_at: float
    scope: str | None = None


@runtime_checkable
class TokenStore(Protocol):
    """Stores tokens; clients, threads and processes may share it.

    Its methods are synchronous; the async client calls them in threads.  If
    one raises, or takes longer than 5 seconds, the client warns and requests
    a new token.
    """

    def load(self, key: str) -> StoredToken | None:
        """Return the saved token, expired or not, or None."""
        ...

    def save(self, key: str, token: StoredToken) -> None:
        """Save the token in place of an earlier one."""
        ...

    def discard(self, key: str) -> None:
        """Remove the token, if there is one."""
        ...


@runtime_checkable
class SharedTokenStore(TokenStore, Protocol):
    """A token store by which processes agree on who requests a token.

    The process that requests it leads for a few seconds; meanwhile the
    others look for the token.  A leader that is killed is replaced when
    these seconds have passed.
    """

    def lead(self, key: str, lease: str, seconds: float) -> bool:
        """Return whether the caller is to request the token now.

        Args:
            key: The key of the token.
            lease: A random text of the caller, the same if it asks again.
            seconds: How long the caller leads, unless it calls `release`.

        Returns:
            True if nobody else leads, or if a leader `failed` within the
            last few seconds: then it is True for all callers, so that none
            waits for another in vain.
        """
        ...

    def release(self, key: str, lease: str, *, failed: bool) -> None:
        """End the lead of a caller, if it still leads.

        Args:
            key: The key of the token.
            lease: The text that was given to `lead`.
            failed: Whether there is no token that others can use.
        """
        ...

    def reject(self, key: str, value: Secret) -> None:
        """Remove the token, if it still has this value."""
        ...


class MemoryTokenStore:
    """Stores tokens in memory, for all clients that share it."""

    def __init__(self) -> None:
        self._tokens: dict[str, StoredToken] = {}

    def load(self, key: str) -> StoredToken | None:
        """Return the saved token, expired or not, or None."""
        return self._tokens.get(key)

    def save(self, key: str, token: StoredToken) -> None:
        """Save the token in place of an earlier one."""
        self._tokens[key] = token

    def discard(self, key: str) -> None:
        """Remove the token, if there is one."""
        self._tokens.pop(key, None)


_LARGEST = 1_000_000
_LONGEST_WRITE = 60.0
_END_OF_TIME = 1e12
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
# Follow no link, and don't wait for a pipe.  Windows has neither flag.
_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def _path(given: str | os.PathLike[str] | None) -> Path:
    if given is not None:
        return Path(given)
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    # The XDG specification says to ignore relative paths.
    if not cache.is_absolute():
        try:
            cache = Path.home() / ".cache"
        except RuntimeError:
            raise ConfigurationError(
                "There is no home directory: pass FileTokenStore a path."
            ) from None
    return cache / "sesamy" / "tokens.json"


@attrs.frozen
class FileTokenStore:
    """Stores tokens in a file, for scripts and the command line.

    The file has mode 0600 and is replaced as a whole, so a reader never
    sees half of it.  If two processes write at once, one may lose its
    token.  A file that is damaged, a symbolic link, or accessible to other
    users is ignored; the next save replaces it.  A problem with the file is
    a `TokenStoreWarning`, and never fails a call.

    Attributes:
        path: By default ``sesamy/tokens.json`` in ``$XDG_CACHE_HOME`` or
            ``~/.cache``.
    """

    path: Path = attrs.field(default=None, converter=_path)

    def load(self, key: str) -> StoredToken | None:
        """Return the saved token, expired or not, or None."""
        tokens, problem = _read(self.path)
        if problem is not None:
            _warn(
                f"The token file {self.path} {problem}, so it is ignored. "
                "Delete it; the next token is stored in a new one."
            )
        return tokens.get(key)

    def save(self, key: str, token: StoredToken) -> None:
        """Save the token in place of an earlier one; drop expired ones."""
        tokens, _ = _read(self.path)
        now = time.time()
        kept = {k: t for k, t in tokens.items() if t.expires_at > now}
        self._write({**kept, key: token})

    def discard(self, key: str) -> None:
        """Remove the token, if there is one."""
        tokens, _ = _read(self.path)
        if tokens.pop(key, None) is not None:
            self._write(tokens)

    def _write(self, tokens: Mapping[str, StoredToken]) -> None:
        try:
            _write(self.path, tokens)
        except OSError as error:
            problem = error.strerror or type(error).__name__
        else:
            return
        _warn(
            f"The token file {self.path} can't be written ({problem}), so "
            "each run requests a token. Pass FileTokenStore a path that can "
            "be written."
        )


def _write(path: Path, tokens: Mapping[str, StoredToken]) -> None:
    # Apart from the method, whose frame an error of `_warn` would show.
    data = {
        key: {**attrs.asdict(token), "value": token.value.reveal()}
        for key, token in tokens.items()
    }
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with AtomicFile.begin(path, sweep_after=_LONGEST_WRITE) as new:
        with new.open() as file:
            json.dump(data, file, indent=1)
        new.replace()


def _read(path: Path) -> tuple[dict[str, StoredToken], str | None]:
    """Return the tokens, and the problem with the file, if there is one."""
    try:
        if path.is_symlink():
            return {}, "is a symbolic link"
        with open(path, "rb", opener=_open) as file:
            problem = _distrust(os.fstat(file.fileno()))
            content = b"" if problem else file.read(_LARGEST + 1)
    except FileNotFoundError:
        return {}, None
    except OSError as error:
        return {}, f"can't be read ({error.strerror})"
    return ({}, problem) if problem else _parse(content)


def _open(path: str, flags: int) -> int:
    return os.open(path, flags | _FLAGS)


def _distrust(facts: os.stat_result) -> str | None:
    if not stat.S_ISREG(facts.st_mode):
        return "is not a regular file"
    user = getattr(os, "geteuid", None)
    if user is None:  # Windows has neither these owners nor these modes.
        return None
    if facts.st_uid != user():
        return "belongs to another user"
    return "is accessible to others" if facts.st_mode & _OTHERS else None


def _parse(content: bytes) -> tuple[dict[str, StoredToken], str | None]:
    try:
        data = json.loads(content) if len(content) <= _LARGEST else None
    except (ValueError, RecursionError):
        data = None
    if not is_object(data):
        return {}, "is damaged"
    read = {key: _token(entry) for key, entry in data.items()}
    tokens = {key: token for key, token in read.items() if token is not None}
    return tokens, "is damaged" if len(tokens) < len(data) else None


def _token(entry: object) -> StoredToken | None:
    fields = entry if is_object(entry) else {}
    value, scope = fields.get("value"), fields.get("scope")
    expires_at = fields.get("expires_at")
    if (
        isinstance(value, str)
        and isinstance(expires_at, int | float)
        and isinstance(scope, str | None)
        # It may be NaN, or an integer that is too large for a float.
        and 0 <= expires_at < _END_OF_TIME
    ):
        return StoredToken(value, float(expires_at), scope)
    return None


def _warn(message: str) -> None:
    warnings.warn(message, TokenStoreWarning, stacklevel=3)
