"""Credentials that must not be told, and the endpoint they go to."""

from __future__ import annotations

from sesamy_async.auth import ClientCredentials


URL = "https://user:pass@token.sesamy.com:444/oauth/token?key=private"
CANARY = 'canary/5ecret "å" %'
CREDENTIALS = ClientCredentials("the-id", CANARY)
