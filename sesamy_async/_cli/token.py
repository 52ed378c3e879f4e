"""``sesamy token``."""

from __future__ import annotations

import asyncio
import os

import attrs
from cyclopts import App

from sesamy_async._call import (
    AUDIENCES,
    SCOPES,
    AnyioRuntime,
    Call,
    Exchange,
    Request,
)
from sesamy_async._checks import Problems
from sesamy_async._http import bind
from sesamy_async._settings import (
    TOKEN_URL,
    SettingsSource,
    check_seconds,
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

Credentials are read from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options; SESAMY_TOKEN_URL is used too. The granted scope is read from
the response, else from the token, which is not verified.
Exit codes: 0 the credentials work; 1 they don't, or there was no response;
2 a setting is wrong; 130 Ctrl-C.
""",
)


_MOST_SCOPES = 50
_SOURCES = {
    "answer": "granted, according to the response",
    "token": "granted, according to the token",
    "asked": "requested; nothing says what was granted",
}
SPELLINGS = (
    f"Check the scope (SESAMY_SCOPE), which is spelled {SCOPES}, and the "
    f"audience (SESAMY_AUDIENCE), which may have to be {AUDIENCES}."
)
_WITHOUT_SCOPE = (
    "The credentials work, but a requested scope was not granted: Sesamy may "
    f"refuse orders with 403. {SPELLINGS}"
)


@token_app.default
def token(*, show: Flag = False, options: Access = ACCESS) -> CommandResult:
    """Check the credentials by requesting a token.

    It always requests a new token, and stores nothing.

    Args:
        show: Print the token; anybody who has it can act for you.
        options: The options that all API commands share.
    """
    check = Problems()
    given = check(credentials, None, options)
    url = check(SettingsSource(os.environ).url, "token_url", None, TOKEN_URL)
    check.raise_all()
    got, lifetime = asyncio.run(ask(given, url, options))
    granted = Granted.of(got, given)
    shown = {"token": got.value.reveal()} if show else {}
    return CommandResult(
        _WITHOUT_SCOPE if granted.missing else "The credentials work.",
        {
            "token_type": got.token_type,
            "scope": granted.scope,
            "scope_source": granted.source,
            "missing": [*granted.missing],
            "expires_in": lifetime,
            **shown,
        },
        rows(
            scope=granted.in_words,
            missing=" ".join(granted.missing) or None,
            lifetime=f"{lifetime} s",
            **shown,
        ),
    )


@attrs.frozen
class Granted:
    source: str  # What names them: see `_SOURCES`.
    scope: str
    missing: tuple[str, ...]  # What was requested and not granted.

    @classmethod
    def of(cls, token: Token, given: ClientCredentials) -> Granted:
        """Return the scopes that the response names, else the token."""
        source, scopes = "answer", scopes_of(token.scope)
        if token.scope is None:
            claimed = claimed_scopes(token.value)
            if claimed is None:
                return cls("asked", given.scope, ())
            source, scopes = "token", claimed
        secret = given.client_secret.reveal()
        # A server may echo the secret.
        safe = [each for each in scopes if secret not in each]
        wanted = given.scope.split()
        return cls(
            source,
            " ".join(safe[:_MOST_SCOPES]),
            tuple(each for each in wanted if each not in scopes),
        )

    @property
    def in_words(self) -> str:
        return f"{self.scope or 'none'} ({_SOURCES[self.source]})"


async def ask(
    given: ClientCredentials, url: str, options: Limits
) -> tuple[Token, int]:
    """Return a new token, and its lifetime in seconds."""
    runtime = AnyioRuntime()
    carrier = bind(None, runtime, blocking=False)
    auth = TokenAuth(given, url, runtime, Exchange(carrier, runtime))
    call = Call(
        operation="token",
        request=Request(method="POST", url=url),
        deadline=runtime.now() + check_seconds("deadline", options.deadline),
        timeout=check_seconds("timeout", options.timeout),
    )
    asked = runtime.now()
    try:
        got = await auth.token(call)
    finally:
        await carrier.aclose()
    return got, round(got.expires_at - asked)
