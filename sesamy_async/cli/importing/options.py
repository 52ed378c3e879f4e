"""The options of ``sesamy import``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import attrs
from cyclopts import Parameter
from cyclopts.validators import Number

from sesamy_async.cli.options import Flag


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Reading:
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
        no_strays: Never send an interrupted create again, though it gives
            no access; such orders have to be looked at.
        concurrency: How many orders are sent at once.
        patience: Seconds that an outage may last before the import stops.
    """

    confirm: Literal["separately", "at-once", "no"] = "separately"
    no_strays: Flag = False
    concurrency: Annotated[int, Parameter(validator=Number(gte=1))] = 10
    patience: Annotated[float, Parameter(validator=Number(gte=0))] = 3600.0


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Doing:
    """What is done, and what is left behind.

    Attributes:
        template: Write a CSV file and a mapping to begin with, and do
            nothing else.
        dry_run: Check the file, say how long it takes, and send nothing.
        skip_invalid: Leave out rows that are wrong, instead of stopping;
            they come into the rejected report.
        sandbox: Send it to a sandbox of its own; needs no credentials.
        journal: Where it is written down what was sent; FILE.journal if
            not given. The reports go beside it.
        report: An HTML page to write at the end.
    """

    template: Flag = False
    dry_run: Flag = False
    skip_invalid: Flag = False
    sandbox: Flag = False
    journal: Path | None = None
    report: Path | None = None


READING = Reading()
SENDING = Sending()
DOING = Doing()
