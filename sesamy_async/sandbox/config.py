"""What the sandbox knows and how it behaves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self, TypeVar

import attrs

from sesamy_async.core.secret import Secret
from sesamy_async.errors import ConfigurationError

from .bucket import Limit
from .faults import parse_rates


_T = TypeVar("_T")

SCOPES = (
    "payments:contract:third-party-onboarding",
    "paymentsContractThirdPartyOnboarding",
)
"""The names of the scope that permits to create and confirm contracts.

.. versionadded:: 0.1.0
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

    .. versionadded:: 0.1.0
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

    .. versionadded:: 0.1.0
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

    .. versionadded:: 0.1.0
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

    .. versionadded:: 0.1.0
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
        from .toml import read_config  # noqa: PLC0415 - cattrs takes its time

        return read_config(cls, Path(path))
