"""The options that several commands have in common."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import attrs
from cyclopts import Parameter


Flag: TypeAlias = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value; False unless it is given."""

OrderFile: TypeAlias = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""The path of an order, or "-" for stdin."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Output:
    """How a command talks.

    Attributes:
        as_json: Print one JSON object to stdout, whether it worked or not.
        verbose: Log each call to stderr; -vv for every attempt.
    """

    as_json: Annotated[Flag, Parameter(name="--json")] = False
    verbose: Annotated[
        int, Parameter(alias="-v", count=True, show_default=False)
    ] = 0


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Limits(Output):
    """How long a command may take.

    Attributes:
        timeout: Seconds that one network operation may take.
        deadline: Seconds that all of it may take, retries included.
    """

    timeout: float = 30.0
    deadline: float = 120.0


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Access(Limits):
    """Which token a command asks for.

    Attributes:
        scope: What the token shall permit; else SESAMY_SCOPE.
        audience: For whom the token is; else SESAMY_AUDIENCE.
        organization: For which organization; else SESAMY_ORGANIZATION.
        token_encoding: How the credentials travel; else
            SESAMY_TOKEN_ENCODING, else as json, and as a form where that
            is refused.
    """

    scope: str | None = None
    audience: str | None = None
    organization: str | None = None
    token_encoding: Literal["json", "form", "basic"] | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Api(Access):
    """Where a command sends what it sends.

    Attributes:
        vendor: The publisher; else SESAMY_VENDOR_ID.
        base_url: Else SESAMY_BASE_URL, else https://api.sesamy.com.
        token_cache: Keep the token in a file for the next run.
    """

    vendor: str | None = None
    base_url: str | None = None
    token_cache: Annotated[bool, Parameter(show_default=False)] = True


OUTPUT = Output()
ACCESS = Access()
API = Api()
