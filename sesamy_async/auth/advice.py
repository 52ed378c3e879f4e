"""Which setting to look at when the token endpoint refuses."""

from __future__ import annotations

import re

from sesamy_async.core.explain import AUDIENCES, SCOPES
from sesamy_async.core.status import SUCCESS


_ID = "client_id (SESAMY_CLIENT_ID)"
_SECRET = "client_secret (SESAMY_CLIENT_SECRET)"  # noqa: S105 - its name
_SCOPE = "scope (SESAMY_SCOPE)"
_AUDIENCE = "audience (SESAMY_AUDIENCE)"
_ENCODING = "encoding (SESAMY_TOKEN_ENCODING)"
_URL = "token_url (SESAMY_TOKEN_URL)"

ADDRESS = (
    f"Check {_URL}: something else than Sesamy's token endpoint seems to "
    "answer there."
)
LATER = f"Try again later; if it stays so, check {_URL}."
EVERYTHING = f"Check {_ID}, {_SECRET} and {_SCOPE}."
BOTH = f"Check {_ID} and {_SECRET}: they must belong together."
CLIENT = (
    f"Check {_ID}. A client of another tenant is not found either: check "
    f"{_URL} too."
)
CLIENT_ID = f"Check {_ID}."
SECRET = f"Check {_SECRET}."
TENANT = f"Check {_URL}: the server there has no such tenant."
GRANT = f"Check {_ID}: Sesamy must permit client_credentials for it."
SCOPE = (
    f"Check {_SCOPE}: Sesamy must grant it to this client, and it has two "
    f"spellings, {SCOPES}. Check {_AUDIENCE} too: it may have to be "
    f"{AUDIENCES}."
)
AUDIENCE = f"Check {_AUDIENCE}: it may have to be {AUDIENCES}."
ORGANIZATION = "Check organization (SESAMY_ORGANIZATION)."
ENCODING = f"Check {_ENCODING} and {_URL}: the request was not understood."

_WRONG = (
    "(required|missing|invalid|incorrect|wrong|unknown|expired|mismatch"
    "|not found|does not exist|does not match)"
)
_CLIENT_ID = r"client[ _-]?id"
_CLIENT_SECRET = r"client[ _-]?secret"  # noqa: S105 - its name
_GRANT_TYPE = r"(grant[ _]types?|client_credentials)"
_FORBIDDEN = "(not|never|unauthorized|disabled|disallowed|forbidden)"

# Whole words only, and no word that any sentence may have: "not granted"
# is not about a grant type, and "a secret area" not about the client's
# secret.
_BY_WORDS = tuple(
    (re.compile(rf"\b(?:{pattern})\b"), advice)
    for pattern, advice in (
        (rf"{_CLIENT_ID}\b.*\b{_CLIENT_SECRET}", BOTH),
        (rf"{_CLIENT_SECRET}\b.*\b{_CLIENT_ID}", BOTH),
        ("client authentication failed", BOTH),
        ("(invalid|wrong|incorrect|bad) (client )?credentials", BOTH),
        ("tenant not found|(unknown|invalid|no such) tenant", TENANT),
        ("client not found|(unknown|no such) client", CLIENT),
        ("scopes?|insufficient permissions?", SCOPE),
        ("audience|resource server|client-grant", AUDIENCE),
        (rf"{_WRONG}\b[^.]{{0,40}}\borgani[sz]ation", ORGANIZATION),
        (rf"organi[sz]ation\b[^.]{{0,60}}\b{_WRONG}", ORGANIZATION),
        (rf"{_GRANT_TYPE}\b[^.]*\b{_FORBIDDEN}", GRANT),
        (rf"{_FORBIDDEN}\b[^.]*\b{_GRANT_TYPE}", GRANT),
        (_CLIENT_SECRET, SECRET),
        (rf"(bad|no|{_WRONG}) secret", SECRET),
        (rf"secret\b[^.]{{0,20}}\b{_WRONG}", SECRET),
        (_CLIENT_ID, CLIENT_ID),
    )
)
"""What the words of the answer point to (A); the first counts."""

_CERTAIN = {
    "invalid_scope": SCOPE,
    "insufficient_scope": SCOPE,
    "invalid_target": AUDIENCE,
    "unsupported_grant_type": ENCODING,
}
"""What a code alone says, whatever words are beside it (RFC 6749, 8707).

Our grant type is never another: a server that does not know it has not
found it, or is none of Sesamy's.
"""

_BY_CODE = {
    "invalid_client": BOTH,
    "invalid_grant": BOTH,
    "unauthorized_client": GRANT,
    "access_denied": SCOPE,
}
"""What a code says where the words say nothing (RFC 6749, A)."""

_BY_STATUS = {
    401: BOTH,
    403: BOTH,
    404: ADDRESS,
    405: ADDRESS,
    410: ADDRESS,
    415: ENCODING,
}
"""What a status points to whose code and words say nothing."""

_PERMISSION = {SCOPE, AUDIENCE, ORGANIZATION, GRANT}
_UNAUTHORIZED = 401


def advise(status: int, code: str | None, words: str | None) -> str:
    """Return what to look at.

    Args:
        status: The HTTP status of the refusal.
        code: Of RFC 6749, if there is one.
        words: Those beside it.
    """
    code = (code or "").lower()
    if code in _CERTAIN:
        return _CERTAIN[code]
    # Apart, so that no phrase is made of the end of one and the other.
    text = f"{code.replace('_', ' ')}. {words or ''}".lower()
    for pattern, advice in _BY_WORDS:
        if pattern.search(text):
            return advice
    # Other servers of this kind say so of a wrong secret.
    denied = code == "access_denied" and status == _UNAUTHORIZED
    if code in _BY_CODE and not denied:
        return _BY_CODE[code]
    if status in SUCCESS:
        return ADDRESS
    return _BY_STATUS.get(status, EVERYTHING)


def doubt(advice: str) -> int:
    """Say how likely it is that this comes of the encoding alone.

    0: what was asked for was read, so the encoding was right.  1: the
    credentials seem to have been read.  2: nothing that was sent may have
    been read; 3: nothing was.
    """
    if advice in _PERMISSION:
        return 0
    if advice == BOTH:
        return 1
    return 3 if advice == ENCODING else 2
