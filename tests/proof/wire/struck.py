"""Wait until a proxy, in another thread, has struck."""

from __future__ import annotations

import time

import anyio

from proof.site import Site


_PATIENCE = 10.0
_PAUSE = 0.0005


async def struck(site: Site) -> None:
    """Wait in a task."""
    with anyio.fail_after(_PATIENCE):
        while not _has_struck(site):  # noqa: ASYNC110 - no event of this loop
            await anyio.sleep(_PAUSE)


def struck_blocking(site: Site) -> None:
    """Wait in a thread."""
    end = time.monotonic() + _PATIENCE
    while not _has_struck(site):
        assert time.monotonic() < end, "nothing was struck"
        time.sleep(_PAUSE)


def _has_struck(site: Site) -> bool:
    proxies = site.outer, site.hop, site.inner
    return any(proxy.struck for proxy in proxies)
