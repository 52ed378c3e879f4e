"""The settings of a client: arguments, environment, defaults, checks."""

from __future__ import annotations

import logging
import math
import re
import sys
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, TextIO, cast

import attrs

from ._call import Middleware, Pacer, RateLimit, RetryPolicy, Secret
from ._checks import around, check_number, segment, url_parts
from ._headers import is_header_value
from ._version import __version__
from .errors import ConfigurationError, InvalidRequestError


BASE_URL = "https://api.sesamy.com"  # D: payments, in production.
TOKEN_URL = "https://token.sesamy.com/oauth/token"  # noqa: S105 - S: a URL


@attrs.frozen(kw_only=True)
class Settings:
    """The settings of a client that are its own, not shared with copies."""

    vendor_id: str
    base_url: str  # Without a slash at its end.
    timeout: float  # Seconds for one network operation; may be infinite.
    deadline: float  # Seconds for a whole call; may be infinite.
    token_url: str
    retry: RetryPolicy
    # Sent with each call besides our own; may be secret.
    default_headers: Mapping[str, str] = attrs.field(repr=False)
    app_info: str  # Of the application, for the User-Agent.
    strict: bool  # Whether words that S does not name are refused.

    @property
    def user_agent(self) -> str:
        return f"{USER_AGENT} {self.app_info}".rstrip()


_ENDLESS = 1e9  # Seconds; a few times more overflow in a socket.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2.
# What frames a request, and how its response may be encoded.
_RESERVED = {
    *("accept-encoding", "connection", "content-length", "expect", "host"),
    *("te", "transfer-encoding", "upgrade"),
}


class SettingsSource:
    """Arguments first, then the environment, then a default."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def optional(self, argument: str, given: object, variable: str) -> Any:
        """Return what is set, or None; refuse what is blank or no text.

        A variable may come from a file, so spaces and line breaks around it
        are stripped.  Quotes may belong to it, so they are refused.  An
        argument is never changed.
        """
        if given is None:
            value = self._environ.get(variable, "").strip()
            if around(value) is not None:
                raise ConfigurationError(
                    f"{variable} has quotes around its value; remove them."
                )
            return value or None
        if isinstance(given, Secret):
            return given
        if not isinstance(given, str) or not given.strip():
            raise ConfigurationError(
                f"{argument} must be a non-empty str; it can also be given "
                f"as {variable}."
            )
        if (extra := around(given)) is not None:
            raise ConfigurationError(
                f"{argument} ({variable}) has {extra} around its value; "
                "remove them."
            )
        return given

    def required(self, argument: str, given: object, variable: str) -> Any:
        value = self.optional(argument, given, variable)
        if value is None:
            raise ConfigurationError(
                f"{argument} is missing: pass {argument}=, or set {variable}."
            )
        return value

    def vendor(self, given: object) -> str:
        variable = "SESAMY_VENDOR_ID"
        return check_vendor(self.required("vendor_id", given, variable))

    def url(self, argument: str, given: object, default: str) -> str:
        variable = f"SESAMY_{argument.upper()}"
        value = self.optional(argument, given, variable)
        return check_url(argument, value or default, variable)


def check_vendor(value: object) -> str:
    try:
        segment("vendor_id (SESAMY_VENDOR_ID)", value)
    except InvalidRequestError as error:
        raise ConfigurationError(str(error.args[0])) from None
    return str.__str__(cast("str", value))


def check_url(argument: str, value: str, variable: str) -> str:
    """Return an https URL (or http on loopback), without a final slash."""
    name = f"{argument} ({variable})"
    parts = url_parts(value)
    if parts is None:
        raise ConfigurationError(f"{name} is not a URL such as {BASE_URL}.")
    if "@" in parts.netloc or "?" in value or "#" in value:
        raise ConfigurationError(
            f"{name} must not have a user, a query or a fragment."
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise ConfigurationError(
            f"{name} must be https: http would expose the token and the "
            "buyers' data (http is allowed for loopback only)."
        )
    if parts.scheme not in {"http", "https"}:
        raise ConfigurationError(f"{name} must be an https URL.")
    return value.rstrip("/")


def check_seconds(argument: str, value: object) -> float:
    """Return a time limit; None, infinity and 30 years are no limit."""
    if value is None or value == math.inf:
        return math.inf
    seconds = check_number(argument, value, above=True)
    return seconds if seconds < _ENDLESS else math.inf


def check_headers(argument: str, headers: object) -> dict[str, str]:
    """Return the user's headers; refuse what can't or must not be sent."""
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise ConfigurationError(
            f"{argument} must be a mapping of str to str."
        )
    checked: dict[str, str] = {}
    for name, value in cast("Mapping[object, object]", headers).items():
        if not (
            isinstance(name, str)
            and isinstance(value, str)
            and _NAME.fullmatch(name)
            and (not value or is_header_value(value))
        ):
            raise ConfigurationError(
                f"{argument}: names must be single words, and values "
                "printable ASCII without spaces around them."
            )
        if name.lower() == "authorization":
            raise ConfigurationError(
                f"{argument}: pass Authorization as auth=."
            )
        if name.lower() in _RESERVED:
            raise ConfigurationError(
                f"{argument}: {name} is set by the connection."
            )
        checked[name] = value
    return checked


def check_retry(retry: object) -> RetryPolicy:
    if not isinstance(retry, RetryPolicy):
        raise ConfigurationError("retry must be a RetryPolicy.")
    return retry


def check_rate_limit(rate_limit: object) -> RateLimit | Pacer | None:
    """Return a pace, or who keeps it; None for none."""
    if rate_limit is None or rate_limit is False:
        return None
    if isinstance(rate_limit, RateLimit | Pacer) and not isinstance(
        rate_limit, type
    ):
        return rate_limit
    raise ConfigurationError(
        "rate_limit must be a RateLimit, a Pacer such as RedisPacer, or "
        "False for none."
    )


def check_middleware(middleware: object) -> tuple[Middleware, ...]:
    if not isinstance(middleware, Sequence):
        raise ConfigurationError(
            "middleware must be a sequence of async functions."
        )
    each: object
    for each in cast("Sequence[object]", middleware):
        if not callable(each) or isinstance(each, type):
            what = each if isinstance(each, type) else type(each)
            raise ConfigurationError(
                f"middleware: {what.__name__} can't be called; give async "
                "functions of (call, proceed)."
            )
    return tuple(cast("Sequence[Middleware]", middleware))


def check_app(info: object) -> str:
    """Return the application as the User-Agent names it."""
    if info is None:
        return ""
    parts = cast("tuple[object, ...]", (info,))
    if isinstance(info, tuple):
        parts = cast("tuple[object, ...]", info)
    words = [each for each in parts if isinstance(each, str)]
    fits = all(map(_NAME.fullmatch, words)) and len(words) == len(parts)
    if not fits or len(words) not in {1, 2}:
        raise ConfigurationError(
            "app_info must be the name and the version of your application, "
            'such as ("shop", "1.2"): letters, digits and .-_ only.'
        )
    return "/".join(words)


def check_flag(argument: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{argument} must be True or False.")
    return value


def is_loopback(host: str) -> bool:
    """Whether a host (in lower case) is this machine."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
}


class _LogHandler(logging.StreamHandler[TextIO]):
    """Writes log records to stderr while no handler of the root does."""

    def filter(self, record: logging.LogRecord) -> bool:
        return not logging.getLogger().handlers and bool(
            super().filter(record)
        )


def log_level(source: SettingsSource) -> int | None:
    """Return the level that SESAMY_LOG names, if it is set."""
    named = source.optional("SESAMY_LOG", None, "SESAMY_LOG")
    if named is not None and named.lower() not in _LEVELS:
        raise ConfigurationError(
            f"SESAMY_LOG must be one of {', '.join(_LEVELS)}."
        )
    return None if named is None else _LEVELS[named.lower()]


def start_log(source: SettingsSource) -> None:
    """Write the SDK's log to stderr if SESAMY_LOG asks for it.

    Records that a handler of the application gets are not written twice.
    """
    level = log_level(source)
    if level is None:
        return
    log = logging.getLogger("sesamy_async")
    if log.level == logging.NOTSET or level < log.level:
        log.setLevel(level)
    handlers = (*log.handlers, *logging.getLogger().handlers)
    if all(isinstance(each, logging.NullHandler) for each in handlers):
        handler = _LogHandler()
        words = "%(asctime)s %(levelname)s %(name)s: %(message)s"
        handler.setFormatter(logging.Formatter(words))
        log.addHandler(handler)


_PYTHON = ".".join(map(str, sys.version_info[:3]))

_NAME_AND_VERSION = f"sesamy-async/{__version__}"
USER_AGENT = f"{_NAME_AND_VERSION} Python/{_PYTHON} ({sys.platform})"
HEADERS = {
    "Accept": "application/json",
    "User-Agent": USER_AGENT,
    "X-Sesamy-Client": _NAME_AND_VERSION,  # As T names itself.
}
"""Sent with each request."""
