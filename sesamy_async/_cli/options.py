"""The options that commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

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
        deadline: Seconds that the whole call may take, with retries.
    """

    timeout: float = 30.0
    deadline: float = 120.0


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Access(Limits):
    """Which token a command requests.

    Attributes:
        scope: The scope of the token; else SESAMY_SCOPE.
        audience: The audience of the token; else SESAMY_AUDIENCE.
        organization: The organization of the token; else
            SESAMY_ORGANIZATION.
        token_encoding: How the credentials are sent; else
            SESAMY_TOKEN_ENCODING, else as json, and as form if json is
            refused.
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
        vendor: The publisher; else SESAMY_VENDOR_ID.
        base_url: Else SESAMY_BASE_URL, else https://api.sesamy.com.
        idempotency: The URL of the store that remembers which orders were
            sent; else SESAMY_IDEMPOTENCY, else a file of your own. "none"
            for no store: then an order that is sent again gets a second
            contract.
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
    """How long a checkup may take.

    Attributes:
        timeout: Seconds that one check may take.
        deadline: Seconds that all of them may take.
    """

    timeout: Annotated[float, Parameter(validator=Number(gt=0, lte=600))] = (
        10.0
    )
    deadline: Annotated[float, Parameter(validator=Number(gt=0, lte=3600))] = (
        60.0
    )


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Remembered(Output):
    """Which store of orders is used.

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
        where: The place as the store names it, for imports into a sandbox.
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
class ReadingOptions:
    """How the file is read.

    Attributes:
        format: csv, jsonl or sheet; detected if not given.
        encoding: Such as cp1252; detected if not given.
        delimiter: Between the cells of CSV; detected if not given.
        sheet: The name of the sheet, if a spreadsheet has several.
        mapping: A TOML file that says what each column contains; by
            default, FILE.mapping.toml if it is there.
        allow_unknown: Accept providers, methods and genders that the guide
            does not name.
    """

    format: Literal["csv", "jsonl", "sheet"] | None = None
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    mapping: Path | None = None
    allow_unknown: Flag = False

    def given(self) -> dict[str, Any]:
        """Return what `open_source` is given."""
        return attrs.asdict(self)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Sending:
    """How the orders are sent.

    Attributes:
        confirm: "separately" creates, then confirms: no order is sent
            twice, and none has to be checked by hand. "at-once" needs half
            the calls, but after a crash some orders have to be checked.
            "no" creates only.
        strays: Whether an interrupted create, which gives no access, is
            sent again; else such orders have to be checked by hand. By
            default it is, but not for invoices.
        shared_contracts: Sesamy may give several orders one contract; by
            default, such orders have to be checked by hand.
        concurrency: How many orders are sent at once.
        patience: Seconds that an outage may last before the import stops.
        first: Send the first so many orders, show their contracts, and ask
            before the others are sent.
        rate: Calls per second, if Sesamy permits you more or fewer than
            usual.
    """

    confirm: Literal["separately", "at-once", "no"] = "separately"
    strays: Annotated[bool | None, Parameter(show_default=False)] = None
    shared_contracts: Flag = False
    concurrency: Annotated[int, Parameter(validator=Number(gte=1))] = 10
    patience: Annotated[float, Parameter(validator=Number(gte=0))] = 3600.0
    first: Annotated[int | None, Parameter(validator=Number(gte=1))] = None
    rate: float | None = None

    def pace(self) -> RateLimit:
        """Return the pace; raises `ConfigurationError`."""
        usual = RateLimit()
        if self.rate is None:
            return usual
        rate = check_number("--rate", self.rate, above=True)
        # Who wants to send fewer does not want a burst.
        burst = usual.burst if rate >= usual.rate else max(1.0, rate)
        return RateLimit(requests=rate, per=1, burst=burst)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ImportActions:
    """What is done, and what is left behind.

    Attributes:
        template: Write a spreadsheet to start from (or, if FILE ends in
            .csv, a CSV file and a mapping), and do nothing else.
        dry_run: Check the file, say how long it takes, and send nothing.
        skip_invalid: Leave out rows that are wrong, instead of stopping;
            they are written to the rejected report.
        strict: Refuse what may be wrong as what is wrong, and stop before
            anything is sent if an order was reported before with other data.
        sandbox: Send the orders to a sandbox of this import's own; needs
            no credentials.
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
