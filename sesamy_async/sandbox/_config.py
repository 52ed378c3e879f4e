"""The world that the sandbox plays, in code or as TOML."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self, TypeVar, get_origin

import attrs
import cattrs

from sesamy_async._call import Secret
from sesamy_async.errors import ConfigurationError

from ._faults import parse_rates


_T = TypeVar("_T")

SCOPES = (
    "payments:contract:third-party-onboarding",
    "paymentsContractThirdPartyOnboarding",
)
"""The names of the scope that permits to create and confirm contracts."""


def _rule(
    holds: Callable[[Any], bool], words: str
) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    """Return a validator."""

    def check(_: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not holds(value):
            raise ConfigurationError(f"{attribute.name} {words}.")

    return check


_POSITIVE = _rule(lambda value: value >= 1, "must be at least 1")
_NOT_EMPTY = _rule(bool, "must not be empty")


def _readable_rates(_: object, __: object, rates: Mapping[str, float]) -> None:
    parse_rates(rates)


@attrs.frozen(kw_only=True)
class Limit:
    """How many requests the sandbox takes.

    Attributes:
        requests_per_minute: How fast used places become free again.
        burst: How many may come at once.
    """

    requests_per_minute: int = attrs.field(default=300, validator=_POSITIVE)
    burst: int = attrs.field(default=500, validator=_POSITIVE)


@attrs.frozen(kw_only=True)
class PromoCode:
    """An offer: one product at one price.

    Attributes:
        code: The code in the path of a call.
        sku: Of the product.
        name: Of the product.
        price: For each period.
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


_VENDOR = Vendor(
    id="acme",
    promo_codes=(
        PromoCode(
            code="SPRING-12",
            sku="acme-digital",
            name="Acme Digital",
            price=99.0,
        ),
        PromoCode(
            code="FAMILY-6",
            sku="acme-family",
            name="Acme Family",
            price=179.0,
        ),
        PromoCode(
            code="TRIAL-1",
            sku="acme-digital",
            name="Acme Digital, first month free",
            price=0.0,
        ),
    ),
)
_CLIENT = Client(id="sandbox-client", secret="sandbox-secret")  # noqa: S106 - it opens nothing but this sandbox


@attrs.frozen(kw_only=True)
class SandboxConfig:
    """The world that the sandbox plays; by default that of the README.

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
        rate_limit_headers: Whether answers tell of the rate limit.
        idempotent: Whether a repeated externalOrderId returns the first
            contract of the vendor, instead of making a second one.
        seed: Makes ids, tokens and chance repeat from run to run.
        fault_rates: The share of requests that each fault strikes, such as
            ``{"status:503": 0.01, "drop-after@create": 0.02}``.
    """

    vendors: tuple[Vendor, ...] = attrs.field(
        default=(_VENDOR,), validator=_NOT_EMPTY
    )
    clients: tuple[Client, ...] = attrs.field(
        default=(_CLIENT,), validator=_NOT_EMPTY
    )
    token_lifetime: int = attrs.field(default=86400, validator=_POSITIVE)
    form_only: bool = False
    tokens_without_scope: bool = False
    unknown_tenant: bool = False
    rate_limit: Limit | None = attrs.field(factory=Limit)
    rate_limit_headers: bool = True
    idempotent: bool = False
    seed: int | None = None
    fault_rates: Mapping[str, float] = attrs.field(
        factory=dict[str, float], validator=_readable_rates
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
        ConfigurationError: The message names every key that is wrong, and
            says what is allowed.
    """
    converter = cattrs.Converter(forbid_extra_keys=True)
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
    """Return a hook that takes values of these types, and converts none.

    The TOML ``secret = 5`` is more likely a mistake than a secret.
    """

    def check(value: Any, _: Any) -> Any:
        if type(value) not in types:
            raise ConfigurationError(f"must be {words}")
        return value

    return check


def _reason(problem: BaseException, kind: type[Any] | None) -> str:
    """Say what is wrong with one key."""
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
            what = "list" if get_origin(kind) is tuple else "table"
            return f"must be a {what}"


def _placed(problem: str) -> str:
    """Turn cattrs's ``reason @ place`` round."""
    reason, _, place = problem.rpartition(" @ ")
    place = place.lstrip(".")
    return f"{place}: {reason}" if place else reason
