"""The options that commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number


Flag: TypeAlias = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value; False unless it is given."""

OrderFile: TypeAlias = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""The path of an order, or "-" for stdin."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Output:
    """How a command shows what it does.

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
    """Where a command sends its orders.

    Attributes:
        vendor: The publisher; else SESAMY_VENDOR_ID.
        base_url: Else SESAMY_BASE_URL, else https://api.sesamy.com.
        token_cache: Keep the token in a file for the next run.
        idempotency: The URL of the store that remembers which orders were
            sent; else SESAMY_IDEMPOTENCY, else a file of your own. "none"
            for no store: then an order that is sent again is doubled.
    """

    vendor: str | None = None
    base_url: str | None = None
    token_cache: Annotated[bool, Parameter(show_default=False)] = True
    idempotency: str | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Remembered(Output):
    """Which store of orders it is about.

    Attributes:
        idempotency: The URL of the store; else SESAMY_IDEMPOTENCY, else the
            file of your own that the other commands use.
    """

    idempotency: str | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Chosen(Remembered):
    """Whose orders are meant, and where they were sent.

    Attributes:
        vendor: Only this publisher's; else SESAMY_VENDOR_ID, else all.
        base_url: Only those sent there; else SESAMY_BASE_URL, else all.
        where: The same as the store names it; for imports into a sandbox.
    """

    vendor: str | None = None
    base_url: str | None = None
    where: str | None = None


OUTPUT = Output()
ACCESS = Access()
API = Api()
REMEMBERED = Remembered()
CHOSEN = Chosen()


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ReadingOptions:
    """How the file is read.

    Attributes:
        format: csv or jsonl; found out by itself.
        encoding: Such as cp1252; UTF-8 if not given.
        delimiter: Between the cells of CSV; found out by itself.
        mapping: A TOML file that says which column holds what.
        allow_unknown: Take providers, methods and genders that the guide
            does not name.
    """

    format: Literal["csv", "jsonl"] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    mapping: Path | None = None
    allow_unknown: Flag = False


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Sending:
    """How the orders are sent.

    Attributes:
        confirm: "separately" creates, then confirms: nothing is doubled,
            and nobody has to look. "at-once" takes half the calls, but a
            crash leaves orders to look at. "no" creates only.
        strays: Whether an interrupted create, which gives no access, is
            sent again; else such orders have to be looked at. By default
            it is, but not for invoices.
        shared_contracts: Sesamy may give several orders one contract; by
            default, such orders have to be looked at.
        concurrency: How many orders are sent at once.
        patience: Seconds that an outage may last before the import stops.
    """

    confirm: Literal["separately", "at-once", "no"] = "separately"
    strays: Annotated[bool | None, Parameter(show_default=False)] = None
    shared_contracts: Flag = False
    concurrency: Annotated[int, Parameter(validator=Number(gte=1))] = 10
    patience: Annotated[float, Parameter(validator=Number(gte=0))] = 3600.0


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ImportActions:
    """What is done, and what is left behind.

    Attributes:
        template: Write a CSV file and a mapping to begin with, and do
            nothing else.
        dry_run: Check the file, say how long it takes, and send nothing.
        skip_invalid: Leave out rows that are wrong, instead of stopping;
            they come into the rejected report.
        strict: Stop before anything is sent if an order was reported before
            with other data.
        sandbox: Send it to a sandbox of its own; needs no credentials.
        journal: The file that records what was sent; FILE.journal if not
            given. The reports are written beside it.
        report: An HTML page to write at the end.
    """

    template: Flag = False
    dry_run: Flag = False
    skip_invalid: Flag = False
    strict: Flag = False
    sandbox: Flag = False
    journal: Path | None = None
    report: Path | None = None


READING = ReadingOptions()
SENDING = Sending()
ACTIONS = ImportActions()
