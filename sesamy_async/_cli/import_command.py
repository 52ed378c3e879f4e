"""``sesamy import``."""

from __future__ import annotations

from pathlib import Path

import attrs
from cyclopts import App

from sesamy_async._checks import segment
from sesamy_async.bulk.reading import open_source, write_template

from .client import check_target
from .import_check import Files
from .import_job import Job
from .options import (
    ACTIONS,
    API,
    READING,
    SENDING,
    Api,
    ImportActions,
    OrderFile,
    ReadingOptions,
    Sending,
)
from .output import CommandResult, UsageError


import_app = App(
    name="import",
    help_epilogue="""\
Examples:

  sesamy import orders.csv --promo SPRING-12 --sandbox
  sesamy import orders.csv --promo SPRING-12 --dry-run
  sesamy import orders.csv --promo SPRING-12 --report orders.html
  sesamy import orders.csv --encoding cp1252 --mapping columns.toml
  sesamy import --template

The credentials come from SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET, never
from options. Exit codes: 0 all done; 1 it could not run, or not to its end;
2 an option, a setting or the file is wrong, and nothing was sent; 3 some
orders were rejected; 4 some have to be looked at; 130 Ctrl-C. After 1 and
130 the same command goes on.
""",
)


@import_app.default
def import_orders(
    file: OrderFile | None = None,
    /,
    *,
    promo: str | None = None,
    doing: ImportActions = ACTIONS,
    reading: ReadingOptions = READING,
    sending: Sending = SENDING,
    options: Api = API,
) -> CommandResult:
    """Send all orders of a file: none lost, none doubled.

    The whole file is checked before anything is sent. Each step is written
    to a journal first, so that the same command continues after a crash or
    Ctrl-C, and reports say what became of every row.

    Args:
        file: CSV or JSON Lines, an order on each line.
        promo: The promo code of rows that name none.
        doing: What is done, and what is left behind.
        reading: How the file is read.
        sending: How the orders are sent.
        options: The options that all API commands share; the deadline is
            that of a call.
    """
    if doing.template:
        return _template(Path(file or "orders.csv"))
    check_target(options, sandbox=doing.sandbox)
    if promo is not None:
        # Otherwise every row would be refused for it.
        segment("--promo", promo)
    if file is None:
        raise UsageError(
            "Which file? Name it, or let `sesamy import --template` write "
            "one to begin with."
        )
    page = doing.report
    if page is not None and not page.parent.is_dir():
        raise UsageError(f"There is no folder {page.parent} for --report.")
    if page is not None and page.is_dir():
        raise UsageError(f"--report {page} is a folder; name a file.")
    files = Files.of(file, doing.journal, page)
    files.keep_apart(reading.mapping)
    source = open_source(files.source, **attrs.asdict(reading))
    job = Job(source, files, promo, doing, sending, options)
    return job.rehearse() if doing.dry_run else job.carry_out()


def _template(path: Path) -> CommandResult:
    mapping = path.with_suffix(".toml")
    if mapping == path:
        raise UsageError(f"{path} is the mapping's name; name a CSV file.")
    write_template(path, mapping)
    return CommandResult(
        f"{path} is a file to begin with, and {mapping} a mapping.",
        {"template": str(path), "mapping": str(mapping)},
        (
            "  Fill it in, and try it with --promo SPRING-12 --sandbox.",
            "  If your headers differ, write them into the mapping.",
        ),
    )
