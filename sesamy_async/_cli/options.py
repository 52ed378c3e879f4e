"""The options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from sesamy_async._call import RateLimit
from sesamy_async._checks import check_number


Flag: TypeAlias = Annotated[bool, Parameter(negative="", show_default=False)]
"""An option without a value; False unless it is given."""

OrderFile: TypeAlias = Annotated[str, Parameter(allow_leading_hyphen=True)]
"""The path of an order, or "-" for stdin."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Output:
    """How a command shows its result.

    Attributes:
        as_json: Print one JSON object to stdout, also for an error.
        verbose: Log each call to stderr; -vv logs each attempt.
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
        timeout: The limit of one network operation, in seconds.
        deadline: The limit of a whole call with its retries, in seconds.
    """

    timeout: float = 30.0
    deadline: float = 120.0


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Access(Limits):
    """Which token a command requests.

    Attributes:
        scope: The scope of the token; by default SESAMY_SCOPE.
        audience: The audience of the token; by default SESAMY_AUDIENCE.
        organization: The organization of the token; by default
            SESAMY_ORGANIZATION.
        token_encoding: How the credentials are sent; by default
            SESAMY_TOKEN_ENCODING, else json, and form if json is refused.
    """

    scope: str | None = None
    audience: str | None = None
    organization: str | None = None
    token_encoding: Literal["json", "form", "basic"] | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Target(Access):
    """Where a command sends its orders.

    Attributes:
        vendor: The publisher; by default SESAMY_VENDOR_ID.
        base_url: The URL of the API; by default SESAMY_BASE_URL, else
            https://api.sesamy.com.
        idempotency: The URL of the store of orders, which remembers what
            was sent; by default SESAMY_IDEMPOTENCY, else a file in your
            home folder. With "none" there is no store: an order that is
            sent again gets a second contract.
    """

    vendor: str | None = None
    base_url: str | None = None
    idempotency: str | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Api(Target):
    """How a command gets its token.

    Attributes:
        token_cache: Keep the token in a file for the next run.
    """

    token_cache: Annotated[bool, Parameter(show_default=False)] = True


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Checkup(Target):
    """What is checked, and how long that may take.

    Attributes:
        timeout: The limit of one check, in seconds.
    """

    timeout: Annotated[float, Parameter(validator=Number(gt=0, lte=600))] = (
        10.0
    )


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Remembered(Output):
    """Which store of orders is used.

    Attributes:
        idempotency: The URL of the store of orders; by default
            SESAMY_IDEMPOTENCY, else the file in your home folder that the
            other commands use.
    """

    idempotency: str | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Chosen(Remembered):
    """Whose orders are meant, and where they were sent.

    Attributes:
        vendor: Only orders of this publisher; by default
            SESAMY_VENDOR_ID, else all.
        base_url: Only orders that were sent to this URL; by default
            SESAMY_BASE_URL, else all.
        where: Only orders that were sent to this place, as "show" names it;
            needed for imports into a sandbox.
    """

    vendor: str | None = None
    base_url: str | None = None
    where: str | None = None


OUTPUT = Output()
ACCESS = Access()
API = Api()
CHECKUP = Checkup()
REMEMBERED = Remembered()
CHOSEN = Chosen()


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class TableOptions:
    """How a table is read.

    Attributes:
        sheet: The sheet, if a spreadsheet has several.
        encoding: The encoding, such as cp1252; detected by default.
        delimiter: What is between the cells of a CSV file; detected by
            default.
    """

    sheet: str | None = None
    encoding: str | None = None
    delimiter: str | None = None


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ReadingOptions(TableOptions):
    """How the file is read.

    Attributes:
        format: csv, jsonl or sheet; detected by default.
        mapping: A TOML file that says what each column contains;
            FILE.mapping.toml by default, if it exists.
        allow_unknown: Accept payment providers, payment methods and genders
            that Sesamy's guide does not list.
    """

    format: Literal["csv", "jsonl", "sheet"] | None = None
    mapping: Path | None = None
    allow_unknown: Flag = False


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Sending:
    """How the orders are sent.

    Attributes:
        confirm: "separately" creates a contract, then confirms it: no order
            is sent twice, and nobody has to check orders by hand, except
            invoices that were cut off (see --strays). "at-once" needs half
            the calls, but after a crash somebody has to check some orders.
            "no" only creates contracts.
        strays: Whether an interrupted create is sent again. It may leave an
            unconfirmed contract (a stray), which gives no access. By
            default it is sent again, except for invoices; otherwise
            somebody has to check the order.
        shared_contracts: Sesamy may give several orders one contract; by
            default, somebody has to check such orders.
        concurrency: How many orders are sent at the same time.
        patience: How many seconds an outage may last before the import
            stops.
        first: Send this many orders, show their contracts, and ask before
            the others are sent.
        rate: Calls per second, if Sesamy permits you more or fewer than 5.
    """

    confirm: Literal["separately", "at-once", "no"] = "separately"
    strays: Annotated[bool | None, Parameter(show_default=False)] = None
    shared_contracts: Flag = False
    concurrency: Annotated[int, Parameter(validator=Number(gte=1))] = 10
    patience: Annotated[float, Parameter(validator=Number(gte=0))] = 3600.0
    first: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    rate: float | None = None

    def pace(self) -> RateLimit:
        """Return how fast calls are sent."""
        usual = RateLimit()
        if self.rate is None:
            return usual
        rate = check_number("--rate", self.rate, above=True)
        # A lower rate is for fewer calls: no burst.
        burst = usual.burst if rate >= usual.rate else max(1.0, rate)
        return RateLimit(requests=rate, per=1, burst=burst)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ImportActions:
    """What the import does, and which files it writes.

    Attributes:
        template: Write a spreadsheet to start from (if FILE ends in .csv, a
            CSV file and a mapping), and do nothing else.
        dry_run: Check the file, say how long the import takes, and send
            nothing.
        skip_invalid: Leave out invalid rows instead of stopping; they are
            written to the rejected report.
        strict: Treat warnings as mistakes, and stop before anything is sent
            if an order was reported before with other data.
        sandbox: Send the orders to a sandbox for this file, which doesn't
            know the orders of other files; needs no credentials. To try
            several files, use "sesamy sandbox" instead.
        journal: The file that records what was sent; by default
            FILE.journal. The reports are written beside it.
        report: Write an HTML page at the end.
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
