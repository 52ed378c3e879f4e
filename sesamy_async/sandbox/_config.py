"""The settings of a sandbox, and its rate limit."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import attrs
import cattrs

from sesamy_async._call import Secret
from sesamy_async.errors import ConfigurationError

from ._faults import parse_rates


# Waiting exactly as long as told must be enough, rounding or not.
_ROUNDING = 1e-6


def _positive(
    limit: object, attribute: attrs.Attribute[int], value: int
) -> None:
    del limit
    if value < 1:
        raise ConfigurationError(
            f"rate_limit.{attribute.name} must be at least 1, not {value}."
        )


@attrs.frozen(kw_only=True)
class Limit:
    """How many requests the sandbox takes.

    Attributes:
        requests_per_minute: How fast used places become free again.
        burst: How many may come at once.
    """

    requests_per_minute: int = attrs.field(default=300, validator=_positive)
    burst: int = attrs.field(default=500, validator=_positive)

    @property
    def per_second(self) -> float:
        """How many places become free in a second."""
        return self.requests_per_minute / 60


@attrs.frozen(kw_only=True)
class BucketLevel:
    """What the bucket says to one request.

    Attributes:
        limit: Requests per minute.
        remaining: Places that are free now.
        reset: The Unix second at which all are free again.
        retry_after: Whole seconds until one is free; 0 if one was.
    """

    limit: int
    remaining: int
    reset: int
    retry_after: int = 0

    @property
    def headers(self) -> dict[str, str]:
        """The headers that tell it to the client."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(self.reset),
        }


@attrs.frozen(kw_only=True)
class ServerBucket:
    """How many places were free, and when.

    Attributes:
        limit: Its size and its inflow.
        free: Places that were free at that time.
        at: The Unix time of it.
    """

    limit: Limit
    free: float
    at: float

    @classmethod
    def full(cls, limit: Limit, now: float) -> Self:
        """Return the bucket with all its places free."""
        return cls(limit=limit, free=limit.burst, at=now)

    def later(self, now: float) -> Self:
        """Return it as it is by now; a clock set back frees nothing."""
        free = self.free + max(0.0, now - self.at) * self.limit.per_second
        return attrs.evolve(self, free=min(free, self.limit.burst), at=now)

    def take(self, now: float) -> tuple[Self, BucketLevel]:
        """Take a place, if one is free.

        Returns:
            The bucket afterwards, and what to tell the client.
        """
        bucket = self.later(now)
        if bucket.free + _ROUNDING < 1:
            return bucket, bucket.read()
        bucket = attrs.evolve(bucket, free=max(0.0, bucket.free - 1))
        return bucket, attrs.evolve(bucket.read(), retry_after=0)

    def read(self) -> BucketLevel:
        """Say how it stands, without taking a place."""
        rate = self.limit.per_second
        missing = max(0.0, 1 - self.free - _ROUNDING)
        return BucketLevel(
            limit=self.limit.requests_per_minute,
            remaining=math.floor(self.free + _ROUNDING),
            reset=math.ceil(self.at + (self.limit.burst - self.free) / rate),
            retry_after=math.ceil(missing / rate),
        )


_T = TypeVar("_T")

SCOPES = (
    "payments:contract:third-party-onboarding",
    "paymentsContractThirdPartyOnboarding",
)
"""The names of the scope that permits to create and confirm contracts.
"""


@attrs.frozen(kw_only=True)
class PromoCode:
    """An offer: one product at one price.

    Attributes:
        code: What the path of a call names.
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
        id: What the path of a call names.
        promo_codes: Its offers.
    """

    id: str
    promo_codes: tuple[PromoCode, ...]


@attrs.frozen(kw_only=True)
class Client:
    """Somebody who may ask for tokens.

    Attributes:
        id: The OAuth2 client id.
        secret: The OAuth2 client secret; hidden in the repr.
        scopes: What its tokens may be good for.
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


def _at_least_one(
    config: object, attribute: attrs.Attribute[int], value: int
) -> None:
    del config
    if value < 1:
        raise ConfigurationError(
            f"{attribute.name} must be at least 1, not {value}."
        )


def _not_empty(
    config: object,
    attribute: attrs.Attribute[tuple[_T, ...]],
    value: tuple[_T, ...],
) -> None:
    del config
    if not value:
        raise ConfigurationError(f"{attribute.name} must not be empty.")


def _readable_rates(
    config: object, attribute: object, value: Mapping[str, float]
) -> None:
    del config, attribute
    parse_rates(value)


@attrs.frozen(kw_only=True)
class SandboxConfig:
    """The world that the sandbox plays; by default that of the README.

    Attributes:
        vendors: The publishers and their offers.
        clients: Who may ask for tokens.
        token_lifetime: Seconds for which a token is good.
        form_only: Whether the token endpoint reads no JSON, and says 403
            "Client not found" to it, as one was seen to (W).
        tokens_without_scope: Whether tokens are given without the scope
            that was asked for (A), so that orders are refused.
        unknown_tenant: Whether the token endpoint says 404 "Tenant not
            found" to everybody (A).
        rate_limit: How many requests are taken, or None for any number.
        rate_limit_headers: Whether answers tell of the rate limit.
        idempotent: Whether a repeated externalOrderId returns the first
            contract of the vendor, instead of making a second one.
        seed: Makes ids, tokens and chance repeat from run to run.
        fault_rates: How often what goes wrong by chance, such as
            ``{"status:503": 0.01, "drop-after@create": 0.02}``.
    """

    vendors: tuple[Vendor, ...] = attrs.field(
        default=(_VENDOR,), validator=_not_empty
    )
    clients: tuple[Client, ...] = attrs.field(
        default=(_CLIENT,), validator=_not_empty
    )
    token_lifetime: int = attrs.field(default=86400, validator=_at_least_one)
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
        return read_config(cls, Path(path))


def _exactly(kind: type[Any], *kinds: type[Any]) -> Any:
    """Return a hook that takes values of these types only.

    cattrs would convert: the TOML ``secret = 5`` is more likely a mistake
    than a secret.
    """
    accepted = (kind, *kinds)

    def check(value: object, _: object) -> object:
        if type(value) not in accepted:
            raise TypeError(
                f"expected {kind.__name__}, got {type(value).__name__}"
            )
        return value

    return check


def _converter() -> cattrs.Converter:
    converter = cattrs.Converter(forbid_extra_keys=True)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exactly(kind))
    converter.register_structure_hook(float, _exactly(float, int))
    text = _exactly(str)
    converter.register_structure_hook(
        Secret, lambda value, kind: Secret(text(value, kind))
    )
    return converter


def _reason(problem: BaseException, kind: type[Any] | None) -> str:
    if isinstance(problem, ConfigurationError):
        return str(problem.args[0])
    if isinstance(problem, KeyError):
        return f"{problem.args[0]} is missing"
    if isinstance(problem, TypeError):
        return str(problem)
    return cattrs.v.format_exception(problem, kind)


def read_config(kind: type[_T], path: Path) -> _T:
    """Read a configuration.

    Raises:
        ConfigurationError: The file can't be read, or something in it is
            wrong; the message names every key that is.
    """
    try:
        content: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"The configuration {path} can't be read: {error}."
        ) from error
    if content.get("rate_limit") is False:
        # TOML has no null.
        content["rate_limit"] = None
    try:
        return _converter().structure(content, kind)
    except cattrs.BaseValidationError as error:
        problems = "; ".join(
            cattrs.transform_error(
                error, path="config", format_exception=_reason
            )
        )
        raise ConfigurationError(
            f"The configuration {path} is wrong: {problems}."
        ) from None
