"""``sesamy journal``: look into the journal of an import, and settle it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from .options import OUTPUT, Flag, Output
from .output import CommandResult


# Each command loads what it needs by itself, for no other command does.
# ruff: noqa: PLC0415


SHOW_EXAMPLES = """\
Examples:

  sesamy journal show orders.csv
  sesamy journal show orders.csv.journal --json | jq .unknown

Exit codes: 0 shown; 1 there is no journal, it is in use, or it can't be
read.
"""

RESOLVE_EXAMPLES = """\
Examples:

  sesamy journal resolve orders.csv A-4711 --created 5f0c2a
  sesamy journal resolve orders.csv A-4711 --created 5f0c2a --confirmed
  sesamy journal resolve orders.csv A-4712 --not-created
  sesamy journal resolve orders.csv --from found.csv

Exit codes: 0 all are settled; 1 the journal can't be used; 2 an option, an
order or a row is wrong, and nothing was settled.
"""

RECONCILE_EXAMPLES = """\
Examples:

  sesamy journal reconcile orders.csv --lookup mycompany.sesamy:lookup
  sesamy journal reconcile orders.csv --lookup sandbox

Exit codes: 0 none is unknown any more; 1 the journal can't be used; 2 an
option is wrong; 4 some are still unknown.
"""

RECOVER_EXAMPLES = """\
Examples:

  sesamy journal recover orders.csv --yes

Exit codes: 0 it can be used again; 1 it can't be used, or nothing is
missing; 2 --yes is missing.
"""

PURGE_EXAMPLES = """\
Examples:

  sesamy journal purge orders.csv --yes
  sesamy journal purge orders.csv --yes --force

Exit codes: 0 it is gone; 1 it can't be removed; 2 --yes or --force is
missing.
"""


def show(file: Path, /, *, output: Output = OUTPUT) -> CommandResult:
    """Show how far an import has come, and which orders are unknown.

    Args:
        file: The journal, or the file of orders beside it.
        output: Those of all commands.
    """
    from sesamy_async._cli.journals import opened, shown

    del output
    with opened(file) as journal:
        return shown(journal)


def resolve(
    file: Path,
    order: str | None = None,
    /,
    *,
    created: str | None = None,
    confirmed: Flag = False,
    not_created: Flag = False,
    table: Annotated[Path | None, Parameter(name="--from")] = None,
    output: Output = OUTPUT,
) -> CommandResult:
    """Say of unknown orders whether they have a contract.

    Those that have one are confirmed by the next run, if that is wanted
    and not done yet; those that have none are sent again by it.

    Args:
        file: The journal, or the file of orders beside it.
        order: The externalOrderId.
        created: It has this contract.
        confirmed: That contract gives access already.
        not_created: It is certain that it has none.
        table: A CSV with the columns externalOrderId, contractId,
            confirmed ("yes" where it gives access already) and notCreated
            ("yes" where there is no contract).
        output: Those of all commands.
    """
    from sesamy_async._cli.journals import (
        content,
        findings,
        opened,
        resolved,
        taken_in,
    )

    del output
    # Before it is read: what is written into it later was not taken in.
    before = content(table)
    found = findings(
        order, created, table, confirmed=confirmed, not_created=not_created
    )
    with opened(file) as journal:
        answer = resolved(journal, found)
        if table is not None and before is not None:
            taken_in(journal, table, before)
        return answer


def reconcile(
    file: Path,
    /,
    *,
    lookup: str,
    concurrency: Annotated[
        int, Parameter(validator=Number(gte=1, lte=100))
    ] = 8,
    output: Output = OUTPUT,
) -> CommandResult:
    """Let a program say of unknown orders whether they have a contract.

    What it can't say stays unknown.

    Args:
        file: The journal, or the file of orders beside it.
        lookup: "package.module:factory", which makes a Lookup; "sandbox"
            where the orders went to a sandbox.
        concurrency: How many orders it is asked for at once.
        output: Those of all commands.
    """
    from sesamy_async._cli.journals import opened, reconciled

    del output
    with opened(file) as journal:
        return reconciled(journal, lookup, concurrency)


def recover(
    file: Path,
    /,
    *,
    yes: Flag = False,
    output: Output = OUTPUT,
) -> CommandResult:
    """Go on without the latest changes of a journal, lost with its WAL.

    Orders that may have been sent since become UNKNOWN, and are not sent
    again by themselves.

    Args:
        file: The journal, or the file of orders beside it.
        yes: The WAL is gone for good; nobody is asked.
        output: Those of all commands.
    """
    from sesamy_async._cli.journals import recovered

    del output
    return recovered(file, yes=yes)


def purge(
    file: Path,
    /,
    *,
    yes: Flag = False,
    force: Flag = False,
    output: Output = OUTPUT,
) -> CommandResult:
    """Remove the journal of an import that has ended.

    Without it nobody knows any more which orders were sent: importing the
    same file again sends them all again.

    Args:
        file: The journal, or the file of orders beside it.
        yes: Remove it; nobody is asked.
        force: Also where orders are unknown, or not finished.
        output: Those of all commands.
    """
    from sesamy_async._cli.journals import opened, purged

    del output
    with opened(file) as journal:
        return purged(journal, yes=yes, force=force)
