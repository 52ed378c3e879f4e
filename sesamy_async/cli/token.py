"""``sesamy token``."""

from __future__ import annotations

import os

from sesamy_async.auth import ClientCredentials, Token, TokenAuth
from sesamy_async.core.call import Call, Request
from sesamy_async.core.drive import drive
from sesamy_async.core.exchange import Exchange
from sesamy_async.runtimes.blocking import BlockingRuntime
from sesamy_async.settings import (
    TOKEN_URL,
    Source,
    check_seconds,
    check_url,
)
from sesamy_async.transport.binding import bind

from .answer import Answer, rows
from .options import LIMITS, Flag, Limits
from .target import credentials


EXAMPLES = """\
Examples:

  sesamy token
  sesamy token --json
  sesamy token --json --show | jq --raw-output .token

The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options; SESAMY_SCOPE and SESAMY_TOKEN_URL are used too.
Exit codes: 0 they work; 1 they don't, or nobody answered; 2 a setting is
wrong; 130 Ctrl-C.
"""


def token(
    *,
    show: Flag = False,
    options: Limits = LIMITS,
) -> Answer:
    """Check the credentials: trade them for a token.

    It always asks anew, and keeps nothing.

    Args:
        show: Show the token itself; whoever has it can act for you.
        options: Those of all API commands.
    """
    given = credentials(None)
    url = Source(os.environ).optional("token_url", None, "SESAMY_TOKEN_URL")
    url = check_url("token_url", url or TOKEN_URL, "SESAMY_TOKEN_URL")
    got, life = _ask(given, url, options)
    scope = got.scope or given.scope
    shown = got.value.reveal() if show else None
    data = {
        "token_type": got.token_type,
        "scope": scope,
        "expires_in": life,
    }
    return Answer(
        "The credentials work.",
        data if shown is None else data | {"token": shown},
        rows(scope=scope, lifetime=f"{life} s", token=shown),
    )


def _ask(
    given: ClientCredentials, url: str, options: Limits
) -> tuple[Token, int]:
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
