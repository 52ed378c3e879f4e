"""Orders in requests, errors in responses, and both in ``/docs``."""

from __future__ import annotations

import logging
from contextlib import aclosing
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias, cast

from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from fastapi.requests import HTTPConnection
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from sesamy_async._call import guarded
from sesamy_async._models import NewContract
from sesamy_async._outcome import Outcome
from sesamy_async.errors import NotFoundError, SesamyError
from sesamy_async.problems import MEDIA_TYPE, Problem, problem_of


_log = logging.getLogger("sesamy_async")

LARGEST_ORDER = 2**20
"""The most bytes of an order; most orders have about a thousand."""


# FastAPI carries it into the description of each route that takes an order,
# by whatever routers and dependencies; `install` replaces it by the body.
_MARK = "x-sesamy-order"


async def _order(
    request: Request,
    content_type: Annotated[
        str | None, Header(json_schema_extra={_MARK: True})
    ] = None,
) -> NewContract:
    # A page of another site can post all else without being asked.
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise HTTPException(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "Send the order with Content-Type: application/json.",
        )
    return await _read_order(request)


@guarded
async def _read_order(request: Request) -> NewContract:
    return NewContract.from_json(await body_of(request, LARGEST_ORDER))


@guarded
async def body_of(request: Request, most: int) -> bytes:
    """Read a body, and no more of it than permitted."""
    body = bytearray()
    try:
        async with aclosing(request.stream()) as parts:
            async for part in parts:
                body += part
                if len(body) > most:
                    raise HTTPException(
                        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                        f"The body has more than {most} bytes.",
                    )
    except ClientDisconnect:  # Nobody is left to read an answer.
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
    return bytes(body)


# No Pydantic: its 422 would repeat the customer's data.
Order: TypeAlias = Annotated[NewContract, Depends(_order)]
"""The order in the body of a request, as a parameter of a handler.

A body that is not an order raises an `InvalidRequestError`; the response of
`install` is 422 with the paths of the invalid fields; no text of the order is
repeated.
"""


def install(app: FastAPI) -> None:
    """Turn each `SesamyError` into a response, and show orders in ``/docs``.

    An error that leaves a handler or a dependency becomes
    ``application/problem+json`` with the status 202, 422, 502, 503 or 504,
    and with Retry-After if sending the request again helps: see
    `sesamy_async.problems.problem_of`.  It is also logged.

    Args:
        app: The application; call it for a mounted application, too.
    """
    app.add_exception_handler(SesamyError, _answer)
    described = app.openapi

    def openapi() -> dict[str, Any]:
        schema = described()
        for operations in schema.get("paths", {}).values():
            for operation in operations.values():
                if isinstance(operation, dict):  # Not a summary.
                    _describe(cast("dict[str, Any]", operation), schema)
        return schema

    app.openapi = openapi  # type: ignore[method-assign]


async def _answer(connection: HTTPConnection, given: Exception) -> Response:
    error = cast("SesamyError", given)
    problem = problem_of(error)
    # Not the path itself: there may be personal data in it.
    route = getattr(connection.scope.get("route"), "path", "")
    _log.log(
        _level(problem, error),
        "%s: responded with %d: %s",
        route,
        problem.status,
        error,
        extra={
            "route": route,
            "status": int(problem.status),
            "operation": error.operation,
            "outcome": str(error.outcome),
            "retryable": error.retryable,
            "external_order_id": error.external_order_id,
            "contract_id": error.contract_id,
            "attempts": error.attempts,
            "request_id": error.request_id,
        },
    )
    return JSONResponse(
        problem.to_dict(),
        problem.status,
        problem.headers,
        media_type=MEDIA_TYPE,
    )


def _level(problem: Problem, error: SesamyError) -> int:
    """ERROR if a person has to act, INFO if the caller has to."""
    if problem.status is HTTPStatus.UNPROCESSABLE_ENTITY:
        # The vendor may be wrong, too.
        lost = isinstance(error, NotFoundError)
        return logging.WARNING if lost else logging.INFO
    return logging.WARNING if problem.retryable else logging.ERROR


def _describe(operation: dict[str, Any], schema: dict[str, Any]) -> None:
    """Describe the body of an operation that takes an order."""
    given: list[dict[str, Any]] = operation.get("parameters", [])
    left = [each for each in given if _MARK not in each.get("schema", {})]
    if len(left) == len(given):
        return
    operation["parameters"] = left
    models = schema.setdefault("components", {}).setdefault("schemas", {})
    models["NewContract"] = NewContract.json_schema()
    models["SesamyProblem"] = _PROBLEM
    operation["requestBody"] = {
        "required": True,
        "content": {"application/json": _reference("NewContract")},
    }
    responses: dict[str, Any] = operation.setdefault("responses", {})
    for status, words in _ANSWERS.items():
        response: dict[str, Any] = responses.setdefault(str(status), {})
        response.setdefault("description", words)
        content = response.setdefault("content", {})
        content[MEDIA_TYPE] = _reference("SesamyProblem")
    for status, words in _BODIES.items():
        responses.setdefault(str(status), {"description": words})


def _reference(model: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{model}"}}


_TEXT = {"type": "string"}
_PROBLEM = {
    "title": "SesamyProblem",
    "type": "object",
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "outcome": {"type": "string", "enum": [*map(str, Outcome)]},
        "retryable": {"type": "boolean"},
        "external_order_id": _TEXT,
        "contract_id": _TEXT,
        "code": _TEXT,
        "problems": {"type": "array", "items": _TEXT},
    },
    "required": ["type", "title", "status", "detail", "outcome", "retryable"],
}
_BODIES = {
    413: "The body is too large.",
    415: "The Content-Type is not application/json.",
}
_ANSWERS = {
    202: "It may have been done; somebody has to check.",
    422: "Nothing was done; correct the request.",
    502: "Nothing was done; Sesamy refused this service, or a setting is "
    "wrong.",
    503: "Nothing was done; send the same request again.",
    504: "It may have been done; send the same request again.",
}
