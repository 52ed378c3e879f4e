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


def _positive(_: object, attribute: attrs.Attribute[int], value: int) -> None:
    if value < 1:
        raise ConfigurationError(f"{attribute.name} must be at least 1.")


def _not_negative(
    _: object, attribute: attrs.Attribute[Any], value: float
) -> None:
    if not 0 <= value < math.inf:
        raise ConfigurationError(f"{attribute.name} must be 0 or more.")


def _filled(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
    if not value:
        raise ConfigurationError(f"{attribute.name} must not be empty.")


def _create_or_confirm(_: object, __: object, value: str) -> None:
    if value not in {"create", "confirm"}:
        raise ConfigurationError("invoice_on must be create or confirm.")


@attrs.frozen(kw_only=True)
class Limit:
    """How many requests the sandbox takes.

    Attributes:
        requests_per_minute: The rate at which the burst is refilled.
        burst: How many requests may come at once.
    """

    requests_per_minute: int = attrs.field(default=300, validator=_positive)
    burst: int = attrs.field(default=500, validator=_positive)


@attrs.frozen(kw_only=True)
class PromoCode:
    """An offer: one product at one price.

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
        promo_codes: Its offers.
    """

    id: str
    promo_codes: tuple[PromoCode, ...]


@attrs.frozen(kw_only=True)
class Client:
    """A client that may ask for tokens.

    Attributes:
        id: The OAuth2 client id.
        secret: The OAuth2 client secret; hidden in the repr.
        scopes: The scopes that its tokens may have.
    """

    id: str
    secret: Secret = attrs.field(converter=Secret)
    scopes: tuple[str, ...] = SCOPES


def _receiver(_: object, __: object, url: str) -> None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", 0
    plain = url.isascii() and url.isprintable() and " " not in url
    if not host or port == 0 or not plain or "@" in parts.netloc:
        raise ConfigurationError(
            "url must be a URL such as http://127.0.0.1:8000/webhooks/sesamy, "
            "without a user."
        )
    if parts.scheme != "https" and not (
        parts.scheme == "http" and is_loopback(host)
    ):
        raise ConfigurationError(
            "url must be https; http is for loopback addresses only."
        )


def _hidden(value: str | Secret | None) -> Secret | None:
    return Secret.hide(value)


def _header_value(_: object, __: object, value: Secret | None) -> None:
    if value is not None and not is_header_value(value.reveal()):
        raise ConfigurationError(
            "authorization must be printable ASCII characters without outer "
            "spaces."
        )


@attrs.frozen(kw_only=True)
class Webhook:
    """Where a served sandbox posts its events.

    Attributes:
        url: An https URL, or http on a loopback address.
        authorization: The whole value of the Authorization header, or None;
            hidden in the repr.
        retries: How often an event is sent again after 5xx, 429 or no
            answer.
        backoff: Seconds until the first of these; each further one takes
            twice as long.
    """

    url: str = attrs.field(validator=_receiver)
    authorization: Secret | None = attrs.field(
        default=None, converter=_hidden, validator=_header_value
    )
    retries: int = attrs.field(default=5, validator=_not_negative)
    backoff: float = attrs.field(default=1.0, validator=_not_negative)


_OFFERS = (
    ("SPRING-12", "acme-digital", "Acme Digital", 99.0),
    ("FAMILY-6", "acme-family", "Acme Family", 179.0),
    ("TRIAL-1", "acme-digital", "Acme Digital, first month free", 0.0),
)
_VENDOR = Vendor(
    id="acme",
    promo_codes=tuple(
        PromoCode(code=code, sku=sku, name=name, price=price)
        for code, sku, name, price in _OFFERS
    ),
)
_CLIENT = Client(id="sandbox-client", secret="sandbox-secret")  # noqa: S106 - it opens nothing but this sandbox


@attrs.frozen(kw_only=True)
class SandboxConfig:
    """The configuration of a sandbox; the default is that of the README.

    Attributes:
        vendors: The publishers and their offers.
        clients: The clients that may ask for tokens.
        token_lifetime: Seconds until a token expires.
        form_only: Whether the token endpoint answers 403 "Client not found"
            to JSON, and reads forms only.
        tokens_without_scope: Whether tokens lack the scope that was asked
            for, so that orders are refused.
        unknown_tenant: Whether the token endpoint answers 404 "Tenant not
            found" to every request.
        rate_limit: How many requests are taken, or None for any number.
        rate_limit_headers: Whether answers have the rate limit headers.
        idempotent: Whether a repeated externalOrderId returns the first
            contract of the vendor, instead of making a second one.
        confirm_once: Whether a contract that is confirmed already is refused
            (409) when it is confirmed again.
        invoice_on: When the first invoice of a contract is made that is paid
            by invoice (the method INVOICE or the provider BILLOGRAM):
            ``"create"`` or ``"confirm"``.  Which of them Sesamy does is
            unknown.
        webhook: Where a served sandbox posts its events, or None.
        seed: Makes ids, tokens and random faults the same in each run.
        fault_rates: The share of requests that each fault strikes, such as
            ``{"status:503": 0.01, "drop-after@create": 0.02}``.
    """

    vendors: tuple[Vendor, ...] = attrs.field(
        default=(_VENDOR,), validator=_filled
    )
    clients: tuple[Client, ...] = attrs.field(
        default=(_CLIENT,), validator=_filled
    )
    token_lifetime: int = attrs.field(default=86400, validator=_positive)
    form_only: bool = False
    tokens_without_scope: bool = False
    unknown_tenant: bool = False
    rate_limit: Limit | None = attrs.field(factory=Limit)
    rate_limit_headers: bool = True
    idempotent: bool = False
    confirm_once: bool = False
    invoice_on: str = attrs.field(
        default="create", validator=_create_or_confirm
    )
    webhook: Webhook | None = None
    seed: int | None = None
    fault_rates: Mapping[str, float] = attrs.field(
        factory=dict[str, float],
        validator=lambda _, __, rates: parse_rates(rates),
    )

    @classmethod
    def from_toml(cls, path: str | Path) -> Self:
        """Read a configuration; what it leaves out is as by default.

        The keys are those of the attributes; ``rate_limit = false`` turns
        the rate limit off.

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
    converter = cattrs.Converter(forbid_extra_keys=True)

    def structure_tuple(value: Any, kind: Any) -> tuple[Any, ...]:
        # For cattrs, a string is a sequence of strings.
        if not isinstance(value, list):
            raise ConfigurationError("must be a list")
        sequence: Any = list
        return (*converter.structure(value, sequence[get_args(kind)[0]]),)

    def is_tuple(kind: Any) -> bool:
        return get_origin(kind) is tuple

    converter.register_structure_hook_func(is_tuple, structure_tuple)
    for scalar, (words, *types) in _SCALARS.items():
        converter.register_structure_hook(scalar, _one_of(types, words))
    try:
        return converter.structure(content, kind)
    except cattrs.BaseValidationError as error:
        problems = cattrs.transform_error(error, "", _reason)
    raise ConfigurationError("; ".join(map(_placed, problems)))


_SCALARS: Mapping[type, tuple[Any, ...]] = {
    str: ("a string", str),
    Secret: ("a string", str),
    int: ("a whole number", int),
    float: ("a number", float, int),
    bool: ("true or false", bool),
}


def _one_of(types: list[type], words: str) -> Callable[[Any, Any], Any]:
    # Nothing is converted: `secret = 5` is more likely a mistake.
    def check(value: Any, _: Any) -> Any:
        if type(value) not in types:
            raise ConfigurationError(f"must be {words}")
        return value

    return check


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
    """Turn cattrs's ``reason @ place`` round."""
    reason, _, place = problem.rpartition(" @ ")
    place = place.lstrip(".")
    return f"{place}: {reason}" if place else reason
