"""Which httpx: the classic one, or a continuation with its interface."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from typing import Any, Literal

import attrs

from sesamy_async.errors import ConfigurationError

from .whole import Whole


Name = Literal["httpx", "httpx2"]

CORES = {"httpx": "httpcore", "httpx2": "httpcore2"}
"""The httpcore beneath each httpx."""

# A client talks to few URLs again and again, and parsing one takes longer
# than anything else that is done for a request.
_URLS = 256


@attrs.frozen(kw_only=True, eq=False, repr=False)
class Library:
    """An httpx, with what we need of it.

    Attributes:
        httpx: The module.
        core_name: The name of the httpcore beneath it.
        url: Parses a URL; remembers those it parsed last.
        stream: Makes the stream of a request's body.
    """

    httpx: Any
    core_name: str
    url: Callable[[str], Any]
    stream: Callable[[bytes], Any]

    def core(self) -> Any:
        """Return the httpcore; httpx imports it late, so do we."""
        return import_module(self.core_name)


@cache
def library(name: Name) -> Library:
    """Return an httpx by its name.

    Raises:
        ConfigurationError: There is none, or it is not installed.
    """
    if name not in CORES:
        raise ConfigurationError(
            'transport.library must be "httpx" or "httpx2".'
        )
    try:
        httpx: Any = import_module(name)
    except ModuleNotFoundError:
        httpx = None
    if httpx is None:
        raise ConfigurationError(
            f"transport.library: {name} is not installed: "
            f"pip install 'sesamy-async[{name}]'."
        )
    return Library(
        httpx=httpx,
        core_name=CORES[name],
        url=lru_cache(_URLS)(httpx.URL),
        stream=type(
            "WholeStream",
            (Whole, httpx.AsyncByteStream, httpx.SyncByteStream),
            {},
        ),
    )


def library_of(given: object) -> Library | None:
    """Return the httpx that a client or transport belongs to, if any."""
    for kind in type(given).__mro__:
        name = kind.__module__.partition(".")[0]
        if name == "httpx" or name == "httpx2":  # noqa: PLR1714 - typed
            return library(name)
    return None
