"""Who we say we are."""

from __future__ import annotations

import sys

from ._version import __version__


_PYTHON = ".".join(map(str, sys.version_info[:3]))

HEADERS = {
    "Accept": "application/json",
    "User-Agent": f"sesamy-async/{__version__} Python/{_PYTHON} "
    f"({sys.platform})",
    "X-Sesamy-Client": f"sesamy-async/{__version__}",
}
"""Sent with each request; the official package names itself so too (T)."""
