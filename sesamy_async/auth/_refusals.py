"""Why there is no token: from an answer to an error with advice."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import quote, quote_plus

import attrs

from sesamy_async._call import AUDIENCES, SCOPES, Response
from sesamy_async._headers import (
    CLIENT_ERROR,
    REDIRECT,
    REQUEST_TIMEOUT,
    SERVER_ERROR,
    SUCCESS,
    TOO_EARLY,
    TOO_MANY,
)
from sesamy_async._outcome import Outcome
from sesamy_async.errors import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConnectionFailedError,
    DeadlineExceededError,
    InvalidRequestError,
    OutcomeUnknownError,
    SesamyError,
    UnreadableResponseError,
)

from ._credentials import ClientCredentials, Encoding, basic_value


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


_LONGEST_TEXT = 200
# To look for the secret in megabytes would hold up the event loop.
_LONGEST_RAW = 4096
_LARGEST_ERROR = 65_536
_SHORTEST_SECRET = 3
_LONGEST_CODE = 64
_MAY_PASS = 1.5
_NOTHING_READ = 2
_TRANSIENT = {REQUEST_TIMEOUT, TOO_EARLY, TOO_MANY}


def authentication_error(
    answer: Response,
    credentials: ClientCredentials,
    token_url: str,
    *,
    why: str | None = None,
) -> AuthenticationError:
    """Explain an answer of the token endpoint that brought no token.

    Understands what RFC 6749 and section 1 of the API's facts (A) name:
    ``error`` as a string or an object, ``message``, plain text, HTML, a
    redirect, nothing at all.

    Args:
        answer: What was answered, with any status.
        credentials: Which were sent; blotted out if they are echoed.
        token_url: Where they were sent.
        why: What is wrong with a success.

    Returns:
        NOT_SENT and retryable where it is a matter of time (5xx, 429, 408
        and 425); REFUSED where something has to be mended.
    """
    status = answer.status_code
    said = _said(answer, credentials)
    transient = status >= SERVER_ERROR or status in _TRANSIENT
    shown = [text for text in (said.error, said.description) if text]
    words = f" ({': '.join(shown)})" if shown else ""
    because = f", but {why}" if why else ""
    return AuthenticationError(
        f"The token endpoint at {host_of(token_url)} answered "
        f"{status}{because}{words}. {_advice(status, said)}",
        outcome=Outcome.NOT_SENT if transient else Outcome.REFUSED,
        retryable=transient,
        error=said.error,
        error_description=said.description,
        status_code=status,
    )


def token_error(
    error: SesamyError, credentials: ClientCredentials, token_url: str
) -> SesamyError:
    """Turn the error of a token call into one of the order's call.

    The order itself was never sent.  The result is not chained to `error`,
    which may hold what the token endpoint echoed.

    Args:
        error: What the exchange raised.
        credentials: Which were sent; blotted out if they are echoed.
        token_url: Where they were sent.
    """
    host = host_of(token_url)
    result: SesamyError
    if isinstance(error, APIError):
        answer = Response(
            status_code=error.status_code,
            headers=error.headers,
            content=error.body,
        )
        result = authentication_error(answer, credentials, token_url)
        result.retry_after = error.retry_after
    elif isinstance(error, UnreadableResponseError):
        # Where the size is not known the body was cut: that may pass.
        cut = error.size is None
        result = AuthenticationError(
            f"The token endpoint at {host} answered {error.status_code}, "
            f"but the answer can't be read. {LATER if cut else ADDRESS}",
            outcome=Outcome.NOT_SENT if cut else Outcome.REFUSED,
            retryable=cut,
            status_code=error.status_code,
        )
    elif isinstance(error, ConnectionFailedError | OutcomeUnknownError):
        detail = _presentable(str(error.args[0]), credentials, _LONGEST_TEXT)
        words = f" ({detail.rstrip('.')})" if detail else ""
        result = ConnectionFailedError(
            f"No token was got from {host}: the connection failed{words}. "
            f"{LATER}",
            retryable=True,
        )
    elif isinstance(error, DeadlineExceededError):
        result = late(token_url)
    elif isinstance(error, InvalidRequestError):
        result = ConfigurationError(
            "The request for a token can't be sent. Check token_url "
            "(SESAMY_TOKEN_URL)."
        )
    else:
        result = error
    named = _presentable(error.request_id, credentials, _LONGEST_TEXT)
    result.request_id = named
    return result


def may_be_the_encoding(error: SesamyError) -> bool:
    """Whether the token may be had if it is asked for in another encoding.

    So it may with every refusal: one server that takes no JSON was seen to
    say 403 "Client not found" (W).
    """
    if not isinstance(error, AuthenticationError) or error.retryable:
        return False
    return error.status_code in CLIENT_ERROR


def most_telling(
    errors: Sequence[tuple[Encoding, SesamyError]],
) -> SesamyError:
    """Return the error to believe of all encodings that were tried.

    Args:
        errors: The error of each encoding, in the order of trying.

    Returns:
        A deadline that passed; else what is least likely to come of the
        encoding; else the first.  Where it is a refusal, or the second
        attempt, it says what was tried.
    """
    chosen = min((error for _, error in errors), key=_rank)
    if len(errors) == 1 and not may_be_the_encoding(chosen):
        return chosen
    told = [
        f"as {encoding}{f' ({status})' if status else ''}"
        for encoding, error in errors
        for status in [getattr(error, "status_code", None)]
    ]
    result = copy.copy(chosen)
    result.args = (f"{chosen.args[0]} Tried {', then '.join(told)}.",)
    return result


def _rank(error: SesamyError) -> float:
    if isinstance(error, DeadlineExceededError):
        return -1
    if not isinstance(error, AuthenticationError) or error.retryable:
        # It may pass, and then be a token.
        return _MAY_PASS
    code, words = error.error, error.error_description
    rank = doubt(advise(error.status_code or 0, code, words))
    # A bare status, or a page, is no sign that anything was read.
    return rank if code or words else max(rank, _NOTHING_READ)


def late(token_url: str) -> DeadlineExceededError:
    """Return the error for a deadline that passed without a token."""
    return DeadlineExceededError(
        "The deadline passed before there was a token from "
        f"{host_of(token_url)}."
    )


def host_of(url: str) -> str:
    """Return host and port alone: the rest of a URL may be private."""
    authority = re.split(r"[/?#\\]", url.partition("://")[2], maxsplit=1)[0]
    return authority.rpartition("@")[2]


@attrs.frozen(eq=False, repr=False)
class _Said:
    """What the token endpoint says, fit to be shown."""

    error: str | None = None
    description: str | None = None
    html: bool = False


def _said(answer: Response, credentials: ClientCredentials) -> _Said:
    """Read the answer; never raises, so its locals are in no traceback."""
    if len(answer.content) > _LARGEST_ERROR:
        return _Said()
    try:
        data = answer.json()
    except ValueError:
        return _plain(answer, credentials)
    if not isinstance(data, dict):
        return _Said()
    error, description = _pair(cast("Mapping[str, Any]", data))
    return _Said(
        error=_presentable(error, credentials, _LONGEST_CODE),
        description=_presentable(description, credentials, _LONGEST_TEXT),
    )


def _pair(body: Mapping[str, Any]) -> tuple[object, object]:
    """Find code and words: of RFC 6749, the envelope, or a message."""
    error = body.get("error")
    if isinstance(error, dict):
        inner = cast("Mapping[str, Any]", error)
        return inner.get("code") or inner.get("name"), inner.get("message")
    words = ("error_description", "message", "detail")
    return error, next(filter(None, map(body.get, words)), None)


def _plain(answer: Response, credentials: ClientCredentials) -> _Said:
    text = answer.content.decode(errors="replace").lstrip("\ufeff \r\n\t")
    kind = answer.headers.get("content-type", "").lower()
    if "html" in kind or text.startswith("<"):
        return _Said(html=True)
    if answer.status_code in SUCCESS:
        # It may be a token.
        return _Said()
    return _Said(description=_presentable(text, credentials, _LONGEST_TEXT))


def _presentable(
    text: object, credentials: ClientCredentials, longest: int
) -> str | None:
    """Return the text without credentials, or None if it is not to show."""
    if not isinstance(text, str) or len(text) > _LONGEST_RAW:
        return None
    text = " ".join(text.split())
    for form in _forms(credentials):
        # In any case, for that is free in percent-encoding.
        text = re.sub(re.escape(form), "***", text, flags=re.IGNORECASE)
    fits = 0 < len(text) <= longest and text.isprintable()
    return text if fits else None


def _forms(credentials: ClientCredentials) -> list[str]:
    """Return how the secret may be written in an echo, longest first."""
    secret = credentials.client_secret.reveal()
    plain = {secret, secret.strip(), " ".join(secret.split())}
    forms = {
        form
        for text in plain
        for form in (
            text,
            quote(text, safe=""),
            quote(text),
            quote_plus(text),
            json.dumps(text)[1:-1],
            json.dumps(text)[1:-1].replace("/", r"\/"),
            json.dumps(text, ensure_ascii=False)[1:-1],
        )
    }
    forms.add(basic_value(credentials))
    # A shorter one is no secret, and stands in half of all words.
    long = {form for form in forms if len(form) >= _SHORTEST_SECRET}
    return sorted(long, key=len, reverse=True)


def _advice(status: int, said: _Said) -> str:
    if status >= SERVER_ERROR or status in _TRANSIENT:
        return LATER
    if said.html or status in REDIRECT:
        return ADDRESS
    return advise(status, said.error, said.description)
