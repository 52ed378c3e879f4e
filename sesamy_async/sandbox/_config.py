"""The configuration of the sandbox, in code or as TOML."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar, get_args, get_origin
from urllib.parse import urlsplit

import attrs
import cattrs

from sesamy_async._call import Secret
from sesamy_async._checks import url_parts
from sesamy_async._headers import is_header_value
from sesamy_async._settings import is_loopback
from sesamy_async.errors import ConfigurationError

from ._faults import parse_rates


_T = TypeVar("_T")

SCOPES = (
    "payments:contract:third-party-onboarding",
    "paymentsContractThirdPartyOnboarding",
)
"""The names of the scope that permits creating and confirming contracts."""


def _must(fits: Callable[[Any], bool], rule: str) -> Callable[..., None]:
    """Return a validator whose error says the rule."""

    def check(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not fits(value):
            raise ConfigurationError(f"{attribute.name} must {rule}.")

    return check


_POSITIVE = _must(lambda it: it >= 1, "be at least 1")
_NOT_NEGATIVE = _must(lambda it: 0 <= it < math.inf, "be 0 or more")
_FILLED = _must(bool, "not be empty")


@attrs.frozen(kw_only=True)
class Limit:
    """The rate limit of a sandbox.

    Attributes:
        requests_per_minute: The rate at which the burst is refilled.
        burst: How many requests are permitted at once.
    """

    requests_per_minute: int = attrs.field(default=300, validator=_POSITIVE)
    burst: int = attrs.field(default=500, validator=_POSITIVE)


@attrs.frozen(kw_only=True)
class PromoCode:
    """A promo code: one product at one price.

    Attributes:
        code: The code in the path of a call.
        sku: The SKU of the product.
        name: The name of the product.
        price: The price of each period.
        currency: Such as ``"SEK"``.
    """

    code: str
    sku: str
    name: str
    price: float
    currency: str = "SEK"


@attrs.frozen(kw_only=True)
class Vendor:
    """A publisher.

    Attributes:
        id: The vendor id in the path of a call.
        promo_codes: Its promo codes.
    """

    id: str
    promo_codes: tuple[PromoCode, ...]


@attrs.frozen(kw_only=True)
class Client:
    """A client that may request tokens.

    Attributes:
        id: The OAuth2 client id.
        secret: The OAuth2 client secret; hidden in the repr.
        scopes: The scopes that its tokens can have.
    """

    id: str
    secret: Secret = attrs.field(converter=Secret)
    scopes: tuple[str, ...] = SCOPES


def _is_url(url: str) -> bool:
    parts = url_parts(url)
    return parts is not None and "@" not in parts.netloc


def _is_private(url: str) -> bool:
    parts = urlsplit(url)
    loopback = is_loopback(parts.hostname or "")
    return parts.scheme in ({"http", "https"} if loopback else {"https"})


def _hidden(value: str | Secret | None) -> Secret | None:
    return Secret.hide(value)


@attrs.frozen(kw_only=True)
class Webhook:
    """Where a served sandbox posts its events.

    Attributes:
        url: An https URL, or http on a loopback address.
        authorization: The whole value of the Authorization header, or None;
            hidden in the repr.
        retries: How often an event is sent again after 5xx, 429 or no
            response.
        backoff: Seconds until the first retry; then twice as long each
            time.
    """

    url: str = attrs.field(
        validator=[
            _must(
                _is_url,
                "be a URL such as http://127.0.0.1:8000/webhooks/sesamy, "
                "without a user",
            ),
            _must(
                _is_private, "be https; http is for loopback addresses only"
            ),
        ]
    )
    authorization: Secret | None = attrs.field(
        default=None,
        converter=_hidden,
        validator=_must(
            lambda it: it is None or is_header_value(it.reveal()),
            "be printable ASCII characters without outer spaces",
        ),
    )
    retries: int = attrs.field(default=5, validator=_NOT_NEGATIVE)
    backoff: float = attrs.field(default=1.0, validator=_NOT_NEGATIVE)


_VENDOR = Vendor(
    id="acme",
    promo_codes=tuple(
        PromoCode(code=code, sku=sku, name=name, price=price)
        for code, sku, name, price in (
            ("SPRING-12", "acme-digital", "Acme Digital", 99.0),
            ("FAMILY-6", "acme-family", "Acme Family", 179.0),
            ("TRIAL-1", "acme-digital", "Acme Digital, first month free", 0.0),
        )
    ),
)
_CLIENT = Client(id="sandbox-client", secret="sandbox-secret")  # noqa: S106 - it opens nothing but this sandbox


@attrs.frozen(kw_only=True)
class SandboxConfig:
    """The configuration of a sandbox; the default is that of the README.

    Attributes:
        vendors: The publishers and their promo codes.
        clients: The clients that may request tokens.
        token_lifetime: Seconds until a token expires.
        form_only: Whether the token endpoint refuses JSON with 403 "Client
            not found", and reads forms only.
        tokens_without_scope: Whether tokens lack the requested scope, so
            that orders are refused.
        unknown_tenant: Whether the token endpoint refuses every request
            with 404 "Tenant not found".
        rate_limit: The rate limit; None for none.
        rate_limit_headers: Whether responses have the rate limit headers.
        idempotent: Whether a repeated externalOrderId returns the first
            contract of the vendor, instead of creating a second one.
        confirm_once: Whether a second confirm of a contract is refused
            with 409.
        invoice_on: When a contract that is paid by invoice (the method
            INVOICE or the provider BILLOGRAM) leads to its first invoice:
            ``"create"`` or ``"confirm"``.  Which of them Sesamy does is
            unknown.
        webhook: Where a served sandbox posts its events, or None.
        seed: Repeats ids, tokens and random faults in each run.
        fault_rates: The share of requests that each fault strikes, such as
            ``{"status:503": 0.01, "drop-after@create": 0.02}``.
    """

    vendors: tuple[Vendor, ...] = attrs.field(
        default=(_VENDOR,), validator=_FILLED
    )
    clients: tuple[Client, ...] = attrs.field(
        default=(_CLIENT,), validator=_FILLED
    )
    token_lifetime: int = attrs.field(default=86400, validator=_POSITIVE)
    form_only: bool = False
    tokens_without_scope: bool = False
    unknown_tenant: bool = False
    rate_limit: Limit | None = attrs.field(factory=Limit)
    rate_limit_headers: bool = True
    idempotent: bool = False
    confirm_once: bool = False
    invoice_on: str = attrs.field(
        default="create",
        validator=_must(
            {"create", "confirm"}.__contains__, "be create or confirm"
        ),
    )
    webhook: Webhook | None = None
    seed: int | None = None
    fault_rates: Mapping[str, float] = attrs.field(
        factory=dict[str, float],
        validator=lambda _, __, rates: parse_rates(rates),
    )

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read a configuration; a key that is missing has its default.

        The keys are the names of the attributes; ``rate_limit = false``
        turns the rate limit off.

        Args:
            path: A TOML file.

        Raises:
            ConfigurationError: The file can't be read, or a key in it is
                unknown, missing or wrong; the message names the key.
        """
        try:
            content = tomllib.loads(Path(path).read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"The configuration {path} can't be read: {error}."
            ) from error
        if content.get("rate_limit") is False:
            content["rate_limit"] = None  # TOML has no null.
        try:
            return structure(content, cls)
        except ConfigurationError as error:
            raise ConfigurationError(
                f"The configuration {path} is wrong: {error.args[0]}."
            ) from None


def structure(content: Any, kind: type[_T]) -> _T:
    """Turn decoded TOML or JSON into an object.

    Raises:
        ConfigurationError: The message names every key that is wrong.
    """
    try:
        return _CONVERTER.structure(content, kind)
    except cattrs.BaseValidationError as error:
        problems = cattrs.transform_error(error, "", _reason)
    raise ConfigurationError("; ".join(map(_placed, problems)))


_CONVERTER = cattrs.Converter(forbid_extra_keys=True)


def _tuple(value: Any, kind: Any) -> tuple[Any, ...]:
    # For cattrs, a string is a sequence of strings.
    if not isinstance(value, list):
        raise ConfigurationError("must be a list")
    sequence: Any = list
    return (*_CONVERTER.structure(value, sequence[get_args(kind)[0]]),)


_SCALARS: Mapping[type, tuple[str, tuple[type, ...]]] = {
    str: ("a string", (str,)),
    Secret: ("a string", (str,)),
    int: ("a whole number", (int,)),
    float: ("a number", (float, int)),
    bool: ("true or false", (bool,)),
}


def _scalar(value: Any, kind: type) -> Any:
    # Nothing is converted: `secret = 5` is more likely a mistake.
    words, types = _SCALARS[kind]
    if type(value) not in types:
        raise ConfigurationError(f"must be {words}")
    return value


def _is_tuple(kind: Any) -> bool:
    return get_origin(kind) is tuple


_CONVERTER.register_structure_hook_func(_is_tuple, _tuple)
for _kind in _SCALARS:
    _CONVERTER.register_structure_hook(_kind, _scalar)


def _reason(problem: BaseException, _: object) -> str:
    match problem:
        case ConfigurationError():
            return str(problem.args[0]).rstrip(".")
        case KeyError():
            return "missing"
        case cattrs.ForbiddenExtraKeysError():
            unknown = ", ".join(sorted(problem.extra_fields))
            known = ", ".join(attrs.fields_dict(problem.cl))
            return f"unknown: {unknown} (known are {known})"
        case _:
            return "must be a table"


def _placed(problem: str) -> str:
    """Put the place first in cattrs's ``reason @ place``."""
    reason, _, place = problem.rpartition(" @ ")
    place = place.lstrip(".")
    return f"{place}: {reason}" if place else reason
