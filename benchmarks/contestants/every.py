"""All contestants, the SDK first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from .kinds import AsyncContestant, Contestant
from .ours import OURS, OURS_ASYNC
from .over_aiohttp import AIOHTTP_ASYNC
from .over_http_client import HTTP_CLIENT
from .over_httpx import (
    HTTPX,
    HTTPX2,
    HTTPX2_ASYNC,
    HTTPX_ASYNC,
    HTTPX_OURS_ASYNC,
)
from .over_openai import OPENAI, OPENAI_ASYNC
from .over_requests import REQUESTS
from .over_reqwest import (
    PYQWEST,
    PYQWEST_ASYNC,
    PYREQWEST,
    PYREQWEST_ASYNC,
)
from .over_stripe import STRIPE, STRIPE_ASYNC
from .raw import RAW, RAW_ASYNC


ASYNC = (
    OURS_ASYNC,
    HTTPX_ASYNC,
    HTTPX_OURS_ASYNC,
    HTTPX2_ASYNC,
    OPENAI_ASYNC,
    STRIPE_ASYNC,
    AIOHTTP_ASYNC,
    PYREQWEST_ASYNC,
    PYQWEST_ASYNC,
    RAW_ASYNC,
)
BLOCKING = (
    OURS,
    HTTPX,
    HTTPX2,
    OPENAI,
    STRIPE,
    REQUESTS,
    PYREQWEST,
    PYQWEST,
    HTTP_CLIENT,
    RAW,
)

_C = TypeVar("_C", Contestant, AsyncContestant)


def chosen(every: Sequence[_C], names: Sequence[str]) -> list[_C]:
    """Return those of the names given (of all, if none) that are there."""
    return [
        each
        for each in every
        if each.present and (not names or each.name in names)
    ]
