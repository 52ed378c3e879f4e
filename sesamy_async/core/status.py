"""The HTTP statuses that mean something to us (RFC 9110)."""

from __future__ import annotations

from http import HTTPStatus


SUCCESS = range(200, 300)
REDIRECT = range(300, 400)
CLIENT_ERROR = range(400, 500)
REFUSALS = frozenset(
    {
        *range(400, 406),
        407,
        *range(409, 419),
        *range(421, 424),
        *range(425, 427),
        *range(428, 430),
        431,
        451,
    }
)
"""The 4xx of which a standard says that the request was not done.

Not 406, which a server may find only when it has done it and looks for a
form to say so in; nor 408 and 424, which may speak of a server behind it.
Least of all those that no standard knows: a gateway's 499, "client closed
request", is said of requests that went on.
"""
SERVER_ERROR = HTTPStatus.INTERNAL_SERVER_ERROR
REQUEST_TIMEOUT = HTTPStatus.REQUEST_TIMEOUT
TOO_EARLY = HTTPStatus.TOO_EARLY
TOO_MANY = HTTPStatus.TOO_MANY_REQUESTS
TEMPORARY_REDIRECT = HTTPStatus.TEMPORARY_REDIRECT
PERMANENT_REDIRECT = HTTPStatus.PERMANENT_REDIRECT
