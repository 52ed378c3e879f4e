"""The HTTP statuses that mean something to us (RFC 9110)."""

from __future__ import annotations


SUCCESS = range(200, 300)
REDIRECT = range(300, 400)
CLIENT_ERROR = range(400, 500)
SERVER_ERROR = 500
REQUEST_TIMEOUT = 408
TOO_EARLY = 425
TOO_MANY = 429
TEMPORARY_REDIRECT = 307
PERMANENT_REDIRECT = 308
