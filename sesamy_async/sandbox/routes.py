"""Which operation a method and a path mean."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import unquote

import attrs


class Endpoint(StrEnum):
    """The operations of the sandbox.

    .. versionadded:: 0.1.0
    """

    TOKEN = "token"  # noqa: S105 - the name of an operation
    CREATE = "create"
    CONFIRM = "confirm"
    OTHER = "other"
    """Any other path, or another method than POST."""


@attrs.frozen(kw_only=True)
class Route:
    """Where a request goes.

    Attributes:
        endpoint: The operation.
        known_path: Whether only the method is wrong, if anything is.
        vendor_id: From the path, decoded once.
        promo_code: From the path, decoded once.
        contract_id: From the path, decoded once.
    """

    endpoint: Endpoint
    known_path: bool = True
    vendor_id: str = ""
    promo_code: str = ""
    contract_id: str = ""


_TOKEN = Route(endpoint=Endpoint.TOKEN)
_NOWHERE = Route(endpoint=Endpoint.OTHER, known_path=False)
_WRONG_METHOD = Route(endpoint=Endpoint.OTHER)


def find_route(method: str, path: str) -> Route:
    """Say where a request goes; the path is still percent-encoded."""
    route = _by_path(path)
    if method != "POST" and route.known_path:
        return _WRONG_METHOD
    return route


def _by_path(path: str) -> Route:
    # The encoded slash of a segment must not split it: decode afterwards.
    match path.split("/"):
        case ["", "oauth", "token"]:
            return _TOKEN
        case ["", "payments", "vendor", vendor, "promos", "code", code]:
            return Route(
                endpoint=Endpoint.CREATE,
                vendor_id=unquote(vendor),
                promo_code=unquote(code),
            )
        case [
            "",
            "payments",
            "vendor",
            vendor,
            "promos",
            "code",
            code,
            "confirm",
            contract,
        ]:
            return Route(
                endpoint=Endpoint.CONFIRM,
                vendor_id=unquote(vendor),
                promo_code=unquote(code),
                contract_id=unquote(contract),
            )
        case _:
            return _NOWHERE
