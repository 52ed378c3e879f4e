"""What a fault makes of an answer: pure functions."""

from __future__ import annotations

from typing import Any

import attrs

from .envelope import error_answer
from .exchange import Answer, Delivery
from .fault import Fault, FaultKind


_RATE_LIMIT = "x-ratelimit-"
_ERROR = 300
_BODILESS = {204, 304}
_STATED = {FaultKind.STATUS, FaultKind.HTML}
_PAGE = (
    "<!DOCTYPE html>\n<html><head><title>{status}</title></head>"
    "<body><h1>{status}</h1><p>The gateway got no answer.</p></body></html>\n"
)


def damage(
    answer: Answer, fault: Fault, request_id: str, now: float
) -> Answer:
    """Return what becomes of an answer that a fault strikes.

    Args:
        answer: The true answer; only its headers count for a fault that
            keeps the request from being done.
        fault: What goes wrong.
        request_id: Sesamy's name for the request.
        now: The Unix time.
    """
    if answer.status >= _ERROR and _says_done(fault):
        # What was refused after all must not be told as done.
        return answer
    match fault.kind:
        case FaultKind.STATUS:
            return _with_status(answer, int(fault.number), request_id)
        case FaultKind.WAIT:
            return _told_to_wait(answer, int(fault.number), request_id, now)
        case FaultKind.HTML:
            return _page(int(fault.number))
        case _:
            return attrs.evolve(answer, **_marks(answer, fault))


def _says_done(fault: Fault) -> bool:
    return fault.kind in _STATED and fault.number < _ERROR


def _marks(answer: Answer, fault: Fault) -> dict[str, Any]:
    """Return what a fault changes of an answer that is otherwise true."""
    marks: dict[str, Any]
    match fault.kind:
        case FaultKind.DELAY:
            marks = {"delay": fault.number}
        case FaultKind.HALF:
            marks = {"delivery": Delivery.HALF}
        case FaultKind.MALFORMED:
            marks = {"body": (answer.body or b"{}")[:-1]}
        case FaultKind.NO_RATE_HEADERS:
            marks = {"headers": _without_rate(answer)}
        case FaultKind.EMPTY:
            marks = {"body": b""}
        case _:
            marks = {"delivery": Delivery.NOTHING}
    return marks


def _with_status(answer: Answer, status: int, request_id: str) -> Answer:
    if status < _ERROR:
        body = b"" if status in _BODILESS else answer.body
        return attrs.evolve(answer, status=status, body=body)
    error = error_answer(
        status,
        "The sandbox was asked to answer so.",
        request_id,
        headers=_plain(answer),
    )
    return attrs.evolve(error, body=b"") if status in _BODILESS else error


def _told_to_wait(
    answer: Answer, seconds: int, request_id: str, now: float
) -> Answer:
    headers = _plain(answer)
    if "X-RateLimit-Reset" in headers:
        # What the headers say must not belie the body.
        headers["X-RateLimit-Remaining"] = "0"
        headers["X-RateLimit-Reset"] = str(int(now) + seconds)
    return error_answer(
        429,
        f"Rate limit exceeded; retry after {seconds} seconds.",
        request_id,
        retry_after=seconds,
        headers=headers,
    )


def _page(status: int) -> Answer:
    page = _PAGE.format(status=status).encode()
    return Answer(
        status=status,
        headers={"Content-Type": "text/html; charset=utf-8"},
        body=b"" if status in _BODILESS else page,
    )


def _plain(answer: Answer) -> dict[str, str]:
    return {
        name: value
        for name, value in answer.headers.items()
        if name.lower() != "content-type"
    }


def _without_rate(answer: Answer) -> dict[str, str]:
    return {
        name: value
        for name, value in answer.headers.items()
        if not name.lower().startswith(_RATE_LIMIT)
    }
