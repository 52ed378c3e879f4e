"""The settings of a client: arguments, environment, defaults, checks."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any, cast
from urllib.parse import urlsplit

import attrs

from ._call import RateLimit, RetryPolicy, Secret
from ._checks import check_number, segment
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
    retry: RetryPolicy
    # Sent with each call besides our own; may be secret.
    headers: Mapping[str, str] = attrs.field(
        factory=dict[str, str], repr=False
    )


_ENDLESS = 1e9  # Seconds; a few times more overflow in a socket.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2.
# What frames a request, and how its answer may be encoded.
_RESERVED = {
    *("accept-encoding", "connection", "content-length", "expect", "host"),
    *("te", "transfer-encoding", "upgrade"),
}


class SettingsSource:
    """Arguments first, then the environment, then a default."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def optional(self, argument: str, given: object, variable: str) -> Any:
        """Return what is set, or None; refuse what is blank or no text."""
        if given is None:
            return self._environ.get(variable) or None
        if isinstance(given, Secret):
            return given
        if not isinstance(given, str) or not given.strip():
            raise ConfigurationError(
                f"{argument} must be a non-empty str; it can also be given "
                f"as {variable}."
            )
        return given

    def required(self, argument: str, given: object, variable: str) -> Any:
        """Return what is set; refuse what is missing, blank or no text."""
        value = self.optional(argument, given, variable)
        if value is None:
            raise ConfigurationError(
                f"{argument} is missing: pass {argument}=, or set {variable}."
            )
        return value


def check_vendor(value: object) -> str:
    """Return a vendor id, or raise a `ConfigurationError`."""
    try:
        segment("vendor_id (SESAMY_VENDOR_ID)", value)
    except InvalidRequestError as error:
        raise ConfigurationError(str(error.args[0])) from None
    return str.__str__(cast("str", value))


def check_url(argument: str, value: str, variable: str) -> str:
    """Return an https URL (or http on loopback), without a final slash."""
    name = f"{argument} ({variable})"
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", 0
    plain = value.isascii() and value.isprintable() and " " not in value
    if not plain or not host or port == 0:
        raise ConfigurationError(f"{name} is no URL such as {BASE_URL}.")
    if "@" in parts.netloc or "?" in value or "#" in value:
        raise ConfigurationError(
            f"{name} may have no user, query or fragment."
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(
            f"{name} must be https: http would show the token and the "
            "customers' data to everybody (it is for loopback only)."
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


def check_headers(headers: object) -> dict[str, str]:
    """Return the user's headers; refuse what can't or must not be sent."""
    if not isinstance(headers, Mapping):
        raise ConfigurationError("headers must be a mapping of str to str.")
    checked: dict[str, str] = {}
    for name, value in cast("Mapping[object, object]", headers).items():
        if not (
            isinstance(name, str)
            and isinstance(value, str)
            and _NAME.fullmatch(name)
            and (not value or is_header_value(value))
        ):
            raise ConfigurationError(
                "headers: names and values must be printable ASCII, without "
                "outer spaces, and a name one word."
            )
        if name.lower() == "authorization":
            raise ConfigurationError("headers: give Authorization as auth=.")
        if name.lower() in _RESERVED:
            raise ConfigurationError(
                f"headers: {name} is set by the connection."
            )
        checked[name] = value
    return checked


def check_kinds(retry: object, rate_limit: object, middleware: object) -> None:
    """Refuse arguments of a wrong type."""
    if not isinstance(retry, RetryPolicy):
        raise ConfigurationError("retry must be a RetryPolicy.")
    if not isinstance(rate_limit, RateLimit | None):
        raise ConfigurationError("rate_limit must be a RateLimit, or None.")
    if not isinstance(middleware, Sequence):
        raise ConfigurationError(
            "middleware must be a sequence of async functions."
        )
    for each in cast("Sequence[object]", middleware):
        if not callable(each):
            raise ConfigurationError(
                f"middleware: {type(each).__name__} can't be called; give "
                "async functions of (call, proceed)."
            )


def check_flag(argument: str, value: object) -> bool:
    """Return True or False; refuse all else."""
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


_PYTHON = ".".join(map(str, sys.version_info[:3]))

_NAME_AND_VERSION = f"sesamy-async/{__version__}"
HEADERS = {
    "Accept": "application/json",
    "User-Agent": f"{_NAME_AND_VERSION} Python/{_PYTHON} ({sys.platform})",
    "X-Sesamy-Client": _NAME_AND_VERSION,  # As T names itself.
}
"""Sent with each request."""
