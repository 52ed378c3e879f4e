"""``sesamy mapping``: propose what the columns of a file are, and ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated

import attrs
from cyclopts import App, Parameter
from rich.table import Table
from rich.text import Text

from sesamy_async.bulk import InputFileError, Source
from sesamy_async.bulk._beside import mapping_beside, mapping_path
from sesamy_async.bulk._rows import first_of
from sesamy_async.bulk.reading import open_source
from sesamy_async.bulk.reading._columns import (
    HeaderError,
    Names,
    header_place,
    trimmed,
)
from sesamy_async.bulk.reading._fields import FIELDS, ORDER_ID
from sesamy_async.bulk.reading._mapping import Mapped
from sesamy_async.bulk.reading._opening import open_table
from sesamy_async.bulk.reading._proposal import (
    Guess,
    Proposal,
    is_path,
    propose,
)

from .import_progress import YES, can_ask, say, show
from .options import OUTPUT, Output, ReadingOptions, TableOptions
from .output import CommandResult, ExitCode, UsageError, plain, width_of


mapping_app = App(
    name="mapping",
    help_epilogue="""\
Examples:

  sesamy mapping orders.csv
  sesamy mapping orders.csv --encoding cp1252 --out columns.toml

Nothing is sent. Exit codes: 0 the mapping was written; 1 you did not want
it; 2 an option or the file is wrong, or no column has the ids of the orders.
""",
)

_LOOKED_AT = 500  # Rows; a million would not say more.
_TABLE = TableOptions()


@mapping_app.default
def mapping(
    file: Annotated[Path, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    out: Path | None = None,
    reading: TableOptions = _TABLE,
    options: Output = OUTPUT,
) -> CommandResult:
    """Propose a mapping for a file that has its own column names.

    On a terminal, it asks before it writes the mapping.

    Args:
        file: The file of orders.
        out: The file to write; by default FILE.mapping.toml, which an import
            of FILE uses automatically.
        reading: How the file is read.
        options: The options that all commands share.
    """
    out = out or mapping_path(file)
    if out.exists():
        raise UsageError(
            f"{out} already exists, and was not changed. Move or delete it "
            "to get a new proposal."
        )
    proposed = _proposal_of(file, reading)
    if proposed.headless:
        raise InputFileError(
            f"Row 1 of {file.name} looks like an order, not like column "
            "names: is the header missing? Write the column names into row "
            "1. No mapping was written."
        )
    interactive = not options.as_json and can_ask()
    proposal = ask(proposed) if interactive else proposed
    if proposal is None:
        return CommandResult(
            f"{out} was not written, as you said.",
            {"file": str(file), "mapping": None},
            code=ExitCode.FAILED,
        )
    _write(out, proposal, file.name)
    if not proposal.usable:
        raise InputFileError(
            f"No column of {file.name} certainly has the ids of the orders. "
            f"{out} was written anyway: open it, and give the path {ORDER_ID} "
            "to the column that has them."
        )
    sent = len(proposal.paths)
    return CommandResult(
        f"{out} is a mapping for {file.name}: {sent} of "
        f"{len(proposal.columns)} columns are sent.",
        {
            "file": str(file),
            "mapping": str(out),
            "columns": [
                {"header": it.header, "path": it.path or None, "why": it.why}
                for it in proposal.columns
            ],
        },
        (
            *(
                f"  {_one_line(it.header)}: {it.path or 'left out'} ({it.why})"
                for it in proposal.columns
            ),
            *_doubts(proposal),
            (
                "Check it, and correct what is wrong. An import uses it if it "
                f"is called {mapping_path(file)}, or with --mapping."
            ),
        ),
    )


def _proposal_of(path: Path, reading: TableOptions) -> Proposal:
    raw = open_table(
        path,
        sheet=reading.sheet,
        encoding=reading.encoding,
        delimiter=reading.delimiter,
    )
    rows = [*islice(raw.rows(), _LOOKED_AT)]
    place = header_place(rows, Names(Mapped()))
    if place is None:
        raise InputFileError(f"{raw.name} has no cells.")
    cells = [row.cells for row in rows[place:] if not row.broken]
    return propose(trimmed(cells[0]), cells[1:])


def open_mapped(
    path: Path, reading: ReadingOptions, *, interactive: bool
) -> tuple[Source, ReadingOptions]:
    """Open a file of orders, with a mapping that is proposed if it needs one.

    Returns:
        The orders, and how they are read.

    Raises:
        InputFileError: The file is wrong, or somebody has to check its
            mapping, because this is not `interactive`.
        UsageError: The person does not want the mapping.
    """
    try:
        return open_source(path, **attrs.asdict(reading)), reading
    except HeaderError as error:
        wrong = _shortened(error)
        if reading.mapping is not None or error.misspelt:
            raise wrong from None
    proposed = _proposal_of(path, reading)
    if proposed.headless or not proposed.paths:
        raise wrong
    out = mapping_path(path)
    proposal = ask(proposed) if interactive else proposed
    if proposal is None:
        raise UsageError(f"{out} was not written, as you said.")
    _write(out, proposal, path.name)
    if not interactive:
        raise InputFileError(
            f"{path.name} has its own column names. {out} was written: it "
            "says what the columns seem to be. Open it, correct what is "
            "wrong, and run the same command again. (On a terminal, the "
            "command asks.)"
        )
    say(f"{out} was written. Imports of {path.name} use it from now on.")
    reading = attrs.evolve(reading, mapping=out)
    return open_source(path, **attrs.asdict(reading)), reading


def _shortened(error: InputFileError) -> InputFileError:
    """Return an error that has no more problems than are shown of rows."""
    shown = first_of(error.problems)
    if shown == [*error.problems]:
        return error
    return InputFileError(str(error.args[0]), problems=shown)


def with_mapping_beside(path: Path, reading: ReadingOptions) -> ReadingOptions:
    """Return the options, with the mapping beside a file if none is given."""
    if reading.mapping is not None or reading.format == "jsonl":
        return reading
    mapping = mapping_beside(path)
    if mapping is not None:
        say(f"The columns are read with the mapping {mapping}.")
    return attrs.evolve(reading, mapping=mapping)


def _write(out: Path, proposal: Proposal, name: str) -> None:
    try:
        # Another program may have written the file in the meantime.
        with out.open("xb") as file:
            file.write(proposal.toml(name).encode())
    except OSError as error:
        raise InputFileError(
            f"{out} can't be written: {error.strerror}."
        ) from None


# On the terminal


def _read(question: str) -> str:
    sys.stderr.write(question)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        sys.stderr.write("\n")
        raise EOFError
    return line


_NO = {"n", "no", "nej", "nei", "e", "ei"}
_QUESTION = "Use this mapping? [Y/n, or the number of a column to change] "
_NO_ID = (
    "No column has the ids of the orders, which an import needs. Type the "
    "number of the column that has them."
)


def ask(proposal: Proposal) -> Proposal | None:
    """Show a proposal, let a person change it, and return the result.

    It is None if the person does not want a mapping.
    """
    numbers = {str(it.index + 1): it for it in proposal.columns}
    try:
        _show(proposal)
        while True:
            answer = _read(_QUESTION).strip().casefold()
            if answer in _NO:
                return None
            if answer in {"", *YES} and proposal.usable:
                return _meant(_filtered(proposal))
            if answer in {"", *YES}:
                say(_NO_ID)
            elif answer not in numbers:
                say("Type y, n, or the number of a column.")
            elif not numbers[answer].nameable:
                why = numbers[answer].why
                say(f"Column {answer} can't be used: {why}.")
            else:
                column = numbers[answer]
                path = _choice(column)
                if path is not None:
                    proposal = proposal.with_path(column.index, path)
                    _show(proposal)
    except EOFError:
        return None


def _filtered(proposal: Proposal) -> Proposal:
    """Ask which rows are orders, if a column may say that."""
    chosen: dict[str, list[str]] = {}
    for header, words in proposal.states().items():
        picked = _picked(
            f"Which rows are orders? In {plain(header)}, they have:",
            words,
            "Numbers, such as 1 3 [Enter: all rows] ",
        )
        if picked:
            chosen[header] = picked
    return attrs.evolve(proposal, filter=chosen)


def _meant(proposal: Proposal) -> Proposal:
    """Ask what words for payments mean, if that is not certain."""
    chosen: dict[str, dict[str, str]] = {}
    for path, words in proposal.words().items():
        for word in words.to_ask:
            picked = _picked(
                f"What is {plain(word)} in {path}?",
                words.choice,
                "Number [Enter: decide later] ",
            )
            if picked:
                chosen.setdefault(path, {})[word] = picked[-1]
    return attrs.evolve(proposal, meant=chosen)


def _picked(title: str, choice: Sequence[str], question: str) -> list[str]:
    """Let a person choose from a list, by numbers; nothing is none."""
    numbers = {str(n): it for n, it in enumerate(choice, 1)}
    listed = (f"  {n:>2}  {plain(it)}" for n, it in numbers.items())
    say(title, *listed)
    while True:
        answer = _read(question).split()
        if {*answer} <= numbers.keys():
            return [numbers[it] for it in answer]
        say("Type numbers of this list, or press Enter.")


_LOOK_AT = ("its values don't", "its name can mean")


def _doubts(proposal: Proposal) -> Iterator[str]:
    """Yield what somebody should check in a proposal."""
    for path, words in proposal.words().items():
        if words.unsure:
            what = plain(", ".join(words.unsure))
            yield f"{path}: say in the mapping what {what} should be."
    for it in proposal.columns:
        if not it.path and it.why.startswith(_LOOK_AT):
            yield f"{plain(it.header)} is left out: {it.why}."
    if not {"userData.email", "ownerData.email"} & {*proposal.paths}:
        yield (
            "No column is userData.email: without an e-mail address, the "
            "buyer can't log in."
        )
    if not proposal.filter:
        for header in proposal.states():
            yield (
                f"{plain(header)} may say which rows are orders: a mapping "
                "can leave the others out ([filter])."
            )


def _choice(column: Guess) -> str | None:
    """Return the path that a person chooses; empty to leave the column out."""
    paths = [*FIELDS]
    say(
        f"What is {plain(column.header)}?",
        "   0  leave it out",
        *(f"  {n:>2}  {path}" for n, path in enumerate(paths, 1)),
    )
    answer = _read(
        "Number, or a path such as vendorData.seller [Enter: as it was] "
    ).strip()
    if answer == "0":
        return ""
    if answer.isdecimal() and 1 <= int(answer) <= len(paths):
        return paths[int(answer) - 1]
    if is_path(answer):
        return answer
    if answer:
        say("That is not in the list; nothing was changed.")
    return None


_WIDE = 80  # Columns of a terminal that has space for three cells.
_SHOWN = 3
_WIDEST_HEADER = 30


def table(proposal: Proposal, width: int) -> Table:
    """Return the columns with what they are, and cells of the first rows.

    Cells are personal: they are for terminals only.
    """
    rows = [row for row in proposal.rows if any(row)]
    first = rows[: _SHOWN if width >= _WIDE else 1]
    shown = Table.grid(padding=(0, 2, 0, 0))
    shown.add_column(justify="right", no_wrap=True)
    shown.add_column(max_width=_WIDEST_HEADER)
    shown.add_column(no_wrap=True)  # A path is not cut.
    for it in proposal.columns:
        cells = ("".join(row[it.index : it.index + 1]) for row in first)
        header, *others = map(_cell, (it.header, *cells))
        path = Text(it.path or "(left out)")
        shown.add_row(f"{it.index + 1}", header, path, *others)
    return shown


def _cell(text: str) -> Text:
    return Text(_one_line(text), no_wrap=True, overflow="ellipsis")


def _one_line(text: str) -> str:
    return plain(" ".join(text.split()))


def _show(proposal: Proposal) -> None:
    show(table(proposal, width_of(sys.stderr) or _WIDE))
    say(*_doubts(proposal))
