"""Tokens to keep."""

from __future__ import annotations

from sesamy_async._call import Secret
from sesamy_async.auth import StoredToken


LATER = 9e9
TOKEN = StoredToken(Secret("canary-t0ken"), LATER, "s")
OTHER = StoredToken(Secret("other"), LATER)
