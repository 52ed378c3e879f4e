"""Explain why there is no token, and what to check."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import quote, quote_plus, urlsplit

from sesamy_async._call import AUDIENCES, LARGEST_ERROR, SCOPES, Response
from sesamy_async._headers import (
    CLIENT_ERROR,
    REDIRECT,
    REQUEST_TIMEOUT,
    SERVER_ERROR,
    SUCCESS,
    TOO_EARLY,
    TOO_MANY,
)
from sesamy_async._models import is_object
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

from ._credentials import ClientCredentials, Encoding, basic_value, named


_SCOPE = named("scope")
_AUDIENCE = named("audience")
_URL = named("token_url")

ADDRESS = f"Check {_URL}: it does not seem to be Sesamy's token endpoint."
LATER = f"Try again later; if it fails again, check {_URL}."
PROXY = (
    "Check the proxy (proxy=, or HTTPS_PROXY, HTTP_PROXY and ALL_PROXY), or "
    "name the host in NO_PROXY."
)
TENANT = f"Check {_URL}: the server there has no such tenant."
SCOPE = (
    f"Check {_SCOPE}: Sesamy must grant it to this client, and it has two "
    f"spellings, {SCOPES}. Check {_AUDIENCE} too: it may have to be "
    f"{AUDIENCES}."
)
_CLIENT = (
    f"Check {named('client_id')} and {named('client_secret')}, which must "
    "belong together"
)
CLIENT = f"{_CLIENT}."
EVERYTHING = (
    f"{_CLIENT}; then {_SCOPE}, {_AUDIENCE}, {named('organization')}, "
    f"{named('encoding')} and {_URL}."
)

# The code is RFC 6749's, the words are A's.  Its "Client not found" may also
# mean that the tenant is another one.
_WRONG_CLIENT = (
    "invalid_client",
    "invalid client",
    "client authentication failed",
)

_NO_ENDPOINT = {404, 405, 410, *SUCCESS, *REDIRECT}
_PASSING = {REQUEST_TIMEOUT, TOO_EARLY, TOO_MANY}
_LONGEST_TEXT = 200
_LONGEST_CODE = 64
# A search for the secret in megabytes would block the event loop.
_LONGEST_RAW = 4096
_SHORTEST_SECRET = 3


def authentication_error(
    answer: Response,
    credentials: ClientCredentials,
    token_url: str,
    *,
    why: str | None = None,
) -> AuthenticationError:
    """Return the error for a response without a token.

    It is NOT_SENT and retryable if the cause may be temporary (5xx, 429, 408
    and 425), else REFUSED.

    Args:
        answer: The response of the token endpoint, with any status.
        credentials: What was sent; the secret is masked in the error.
        token_url: Where it was sent.
        why: Why there is no token in a success.
    """
    status = answer.status_code
    said = _read(answer, credentials)
    words = _words(said.error, said.description)
    passing = _may_pass(status)
    return AuthenticationError(
        f"The token endpoint at {_host(token_url)} answered {status}"
        f"{f', but {why}' if why else ''}{words}. {_advise(status, said)}",
        outcome=Outcome.NOT_SENT if passing else Outcome.REFUSED,
        retryable=passing,
        error=said.error,
        error_description=said.description,
        status_code=status,
    )


def token_error(
    error: SesamyError, credentials: ClientCredentials, token_url: str
) -> SesamyError:
    """Turn the error of a token call into that of the call that needs it.

    Raise the result outside of the `except` block: `error` may contain the
    secret if the token endpoint repeated it.
    """
    host = _host(token_url)
    result = error
    if isinstance(error, APIError):
        answer = Response(
            status_code=error.status_code,
            headers=error.headers,
            content=error.body,
        )
        result = authentication_error(answer, credentials, token_url)
        result.retry_after = error.retry_after
    elif isinstance(error, UnreadableResponseError):
        # Without a size, the response was cut short: that may be temporary.
        cut = error.size is None
        result = AuthenticationError(
            f"The token endpoint at {host} answered {error.status_code}, "
            f"but the response can't be read. {LATER if cut else ADDRESS}",
            outcome=Outcome.NOT_SENT if cut else Outcome.REFUSED,
            retryable=cut,
            status_code=error.status_code,
        )
    elif isinstance(error, ConnectionFailedError | OutcomeUnknownError):
        detail = _presentable(error.args[0], credentials)
        words = f" ({detail.rstrip('.')})" if detail else ""
        advice = PROXY if "(at the proxy " in words else LATER
        result = ConnectionFailedError(
            f"No token could be requested: the connection to {host} "
            f"failed{words}. {advice}",
            retryable=True,
        )
    elif isinstance(error, DeadlineExceededError):
        result = late(token_url)
    elif isinstance(error, InvalidRequestError):
        result = ConfigurationError(
            f"The request for a token can't be sent. Check {_URL}."
        )
    result.request_id = _presentable(error.request_id, credentials)
    return result


def late(token_url: str) -> DeadlineExceededError:
    return DeadlineExceededError(
        f"The deadline passed before {_host(token_url)} issued a token."
    )


def may_be_the_encoding(error: SesamyError) -> bool:
    """Whether another encoding may get a token."""
    # Any refusal may come from the encoding: a server that does not read
    # JSON was seen to respond with 403 "Client not found".
    return (
        isinstance(error, AuthenticationError)
        and not error.retryable
        and error.status_code in CLIENT_ERROR
    )


def after_all(errors: Sequence[tuple[Encoding, SesamyError]]) -> SesamyError:
    """Return the error after all attempts; it names what they came to.

    It is the last one if that may pass, and the first one otherwise.  But
    the scope counts more: who mentions it has read the request.
    """
    found = [error for _, error in errors]
    chosen = found[-1] if found[-1].retryable else found[0]
    if not isinstance(chosen, DeadlineExceededError):
        about_scope = (each for each in found if SCOPE in str(each.args[0]))
        chosen = next(about_scope, chosen)
    if len(errors) > 1 or may_be_the_encoding(chosen):
        tried = "; ".join(map(_attempt, errors))
        chosen.args = (f"{chosen.args[0]} Tried {tried}.",)
    return chosen


def _attempt(tried: tuple[Encoding, SesamyError]) -> str:
    encoding, error = tried
    if not isinstance(error, AuthenticationError):
        return f"as {encoding}, without a response"
    words = _words(error.error, error.error_description)
    return f"as {encoding}: {error.status_code}{words}"


def _words(error: str | None, description: str | None) -> str:
    words = ": ".join(filter(None, (error, description)))
    return f" ({words})" if words else ""


def _host(url: str) -> str:
    """Return host and port: the rest of a URL may be private."""
    return urlsplit(url).netloc.rpartition("@")[2]


def _may_pass(status: int) -> bool:
    return status >= SERVER_ERROR or status in _PASSING


class _Said(NamedTuple):
    error: str | None = None
    description: str | None = None
    html: bool = False


def _read(answer: Response, credentials: ClientCredentials) -> _Said:
    if len(answer.content) > LARGEST_ERROR:
        return _Said()
    try:
        error, words = _pair(answer.json())
    except ValueError:
        text = answer.content.decode(errors="replace").lstrip("\ufeff \r\n\t")
        kind = answer.headers.get("content-type", "").lower()
        if "html" in kind or text.startswith("<"):
            return _Said(html=True)
        # A success may contain a token.
        error, words = None, None if answer.status_code in SUCCESS else text
    return _Said(
        error=_presentable(error, credentials, _LONGEST_CODE),
        description=_presentable(words, credentials),
    )


def _pair(body: object) -> tuple[object, object]:
    """Return code and words: by RFC 6749, or as the API's errors have them."""
    if not is_object(body):
        return None, None
    error = body.get("error")
    if is_object(error):
        return error.get("code") or error.get("name"), error.get("message")
    words = ("error_description", "message", "detail")
    return error, next(filter(None, map(body.get, words)), None)


def _presentable(
    text: object, credentials: ClientCredentials, longest: int = _LONGEST_TEXT
) -> str | None:
    """Return the text with the secret masked; None if it can't be shown."""
    if not isinstance(text, str) or len(text) > _LONGEST_RAW:
        return None
    text = " ".join(text.split())
    for form in _forms(credentials):
        # Percent-encoding may be in either case.
        text = re.sub(re.escape(form), "***", text, flags=re.IGNORECASE)
    fits = 0 < len(text) <= longest and text.isprintable()
    return text if fits else None


def _forms(credentials: ClientCredentials) -> list[str]:
    """Return the forms in which the secret may be repeated, longest first."""
    secret = credentials.client_secret.reveal()
    forms = {basic_value(credentials)}
    for text in (secret, secret.strip(), " ".join(secret.split())):
        escaped = json.dumps(text)[1:-1]
        forms |= {text, quote(text, safe=""), quote(text), quote_plus(text)}
        forms |= {escaped, escaped.replace("/", r"\/")}
        forms.add(json.dumps(text, ensure_ascii=False)[1:-1])
    # A shorter one is no secret, and half of all words contain it.
    long = (form for form in forms if len(form) >= _SHORTEST_SECRET)
    return sorted(long, key=len, reverse=True)


def _advise(status: int, said: _Said) -> str:
    if _may_pass(status):
        return LATER
    text = f"{said.error} {said.description}".lower()
    if "scope" in text:
        return SCOPE
    if "tenant not found" in text:
        return TENANT
    if any(each in text for each in _WRONG_CLIENT):
        return CLIENT
    elsewhere = said.html or status in _NO_ENDPOINT
    return ADDRESS if elsewhere else EVERYTHING
