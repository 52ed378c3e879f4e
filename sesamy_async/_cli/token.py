"""``sesamy token``."""

from __future__ import annotations

import os

from cyclopts import App

from sesamy_async._call import (
    AUDIENCES,
    SCOPES,
    BlockingRuntime,
    Call,
    Exchange,
    Request,
    drive,
)
from sesamy_async._http import bind
from sesamy_async._settings import (
    TOKEN_URL,
    SettingsSource,
    check_seconds,
    check_url,
)
from sesamy_async.auth import ClientCredentials, Token, TokenAuth
from sesamy_async.auth._tokens import claimed_scopes, scopes_of

from .client import credentials
from .options import ACCESS, Access, Flag, Limits
from .output import CommandResult, rows


token_app = App(
    name="token",
    help_epilogue="""\
Examples:

  sesamy token
  sesamy token --json
  sesamy token --audience urn:sesamy --token-encoding form
  sesamy token --json --show | jq --raw-output .token

The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options; SESAMY_TOKEN_URL is used too. Whether the token has the scope
is read from the answer, or else from the token, which is not verified.
Exit codes: 0 they work; 1 they don't, or nobody answered; 2 a setting is
wrong; 130 Ctrl-C.
""",
)


_MOST_SCOPES = 50
_SOURCES = {
    "answer": "granted, as the answer says",
    "token": "granted, as the token says",
    "asked": "asked for; nothing says what was granted",
}
_WITHOUT_SCOPE = (
    "The credentials work, but the token lacks a scope that was asked for: "
    f"orders may be refused with 403. It is spelt {SCOPES}; and the "
    f"audience (SESAMY_AUDIENCE) may have to be {AUDIENCES}."
)


@token_app.default
def token(*, show: Flag = False, options: Access = ACCESS) -> CommandResult:
    """Check the credentials: trade them for a token.

    It always asks for a new token, and keeps nothing.

    Args:
        show: Show the token itself; anybody who has it can act for you.
        options: The options that all API commands share.
    """
    given = credentials(None, options)
    url = SettingsSource(os.environ).optional(
        "token_url", None, "SESAMY_TOKEN_URL"
    )
    url = check_url("token_url", url or TOKEN_URL, "SESAMY_TOKEN_URL")
    got, lifetime = _ask(given, url, options)
    source, scopes = _granted(got)
    secret = given.client_secret.reveal()
    # A server may echo the secret.
    safe = [each for each in scopes or () if secret not in each]
    told = given.scope if scopes is None else " ".join(safe[:_MOST_SCOPES])
    missing = [
        each
        for each in given.scope.split()
        if scopes is not None and each not in scopes
    ]
    shown = {"token": got.value.reveal()} if show else {}
    return CommandResult(
        _WITHOUT_SCOPE if missing else "The credentials work.",
        {
            "token_type": got.token_type,
            "scope": told,
            "scope_source": source,
            "missing": missing,
            "expires_in": lifetime,
            **shown,
        },
        rows(
            scope=f"{told or 'none'} ({_SOURCES[source]})",
            missing=" ".join(missing) or None,
            lifetime=f"{lifetime} s",
            **shown,
        ),
    )


def _granted(token: Token) -> tuple[str, tuple[str, ...] | None]:
    """Return the source of the token's scopes, and the scopes."""
    if token.scope is not None:
        return "answer", scopes_of(token.scope)
    claimed = claimed_scopes(token.value)
    return "asked" if claimed is None else "token", claimed


def _ask(
    given: ClientCredentials, url: str, options: Limits
) -> tuple[Token, int]:
    """Return a new token, and its lifetime in seconds."""
    runtime = BlockingRuntime()
    carrier = bind(None, runtime, blocking=True)
    auth = TokenAuth(given, url, runtime, Exchange(carrier, runtime))
    call = Call(
        operation="token",
        request=Request(method="POST", url=url),
        deadline=runtime.now() + check_seconds("deadline", options.deadline),
        timeout=check_seconds("timeout", options.timeout),
    )
    asked = runtime.now()
    try:
        got = drive(auth.token(call))
    finally:
        drive(carrier.aclose())
    return got, round(got.expires_at - asked)
