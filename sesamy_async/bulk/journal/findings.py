"""Read a table of what was found out about unknown orders."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, zip_longest
from pathlib import Path

from sesamy_async.bulk.errors import InputFileError
from sesamy_async.bulk.reports.cells import harmless
from sesamy_async.errors import InvalidRequestError
from sesamy_async.paths import segment

from .resolve import Finding


_ORDER, _CONTRACT = "externalOrderId", "contractId"
_CONFIRMED, _NOT_CREATED = "confirmed", "notCreated"
_COLUMNS = (_ORDER, _CONTRACT, _CONFIRMED, _NOT_CREATED)
_YES = frozenset({"yes", "true", "1"})
_NO = frozenset({"", "no", "false", "0"})


def read_findings(path: Path) -> list[Finding]:
    """Read a CSV with externalOrderId, contractId, confirmed, notCreated.

    The last two may be missing.  The delimiter may be a comma, a semicolon
    or a tab; columns of other names are left alone.  The report of unknown
    orders is such a file, once its cells are filled in.

    Args:
        path: The file, in UTF-8.

    Raises:
        InputFileError: It can't be read, or rows are wrong; all are named.

    .. versionadded:: 0.1.0
    """
    found: list[Finding] = []
    problems: list[str] = []
    for number, row in _rows(path):
        finding = _finding(f"row {number}", row)
        if isinstance(finding, str):
            problems.append(f"row {number}: {finding}")
        else:
            found.append(finding)
    if problems:
        raise InputFileError(
            f"{path} can't be used: {'; '.join(problems)}.", problems=problems
        )
    return found


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, str]]]:
    # newline="" leaves the ends of lines to csv, which knows of quotes.
    lines = io.StringIO(_text(path), newline="")
    header = lines.readline()
    delimiter = max(",;\t", key=header.count)
    rows = csv.reader(chain([header], lines), delimiter=delimiter, strict=True)
    try:
        names = next(rows)
        _check_columns(path, names)
        for number, cells in enumerate(rows, start=2):
            if any(cells):
                yield number, dict(zip_longest(names, cells, fillvalue=""))
    except csv.Error as error:
        raise InputFileError(
            f"{path}, line {rows.line_num}: {error}."
        ) from None


def _check_columns(path: Path, names: Sequence[str]) -> None:
    missing = [each for each in (_ORDER, _CONTRACT) if each not in names]
    if missing:
        raise InputFileError(
            f"{path} has no column {' and no column '.join(missing)}; its "
            f"first row must name the columns {_ORDER}, {_CONTRACT}, "
            f"{_CONFIRMED} and, where some have no contract, {_NOT_CREATED}."
        )
    twice = [each for each in _COLUMNS if names.count(each) > 1]
    if twice:
        raise InputFileError(
            f"{path} has the column {' and the column '.join(twice)} twice; "
            "remove the one that does not count."
        )


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise InputFileError(
            f"{path} can't be read: {error.strerror}."
        ) from None
    except UnicodeDecodeError:
        raise InputFileError(
            f"{path} is not in UTF-8. Save it as CSV in UTF-8."
        ) from None


def _finding(where: str, row: Mapping[str, str]) -> Finding | str:
    """Return what a row says, or what is wrong with it."""
    order, contract = (_meant(row[each]) for each in (_ORDER, _CONTRACT))
    confirmed, not_created = (
        _said(row.get(each, "")) for each in (_CONFIRMED, _NOT_CREATED)
    )
    if not order:
        return f"{_ORDER} is missing"
    if confirmed is None or not_created is None:
        return f"{_CONFIRMED} and {_NOT_CREATED} must be yes, no or empty"
    if not_created == bool(contract) or (confirmed and not contract):
        return (
            f"give either the {_CONTRACT} that order {order!r} has, or yes "
            f"in {_NOT_CREATED}"
        )
    problem = contract and _contract_problem(contract)
    return problem or Finding(
        order_id=order,
        contract_id=contract or None,
        confirmed=confirmed,
        where=where,
    )


def _said(cell: str) -> bool | None:
    """Return yes or no; None for what is neither."""
    word = cell.strip().lower()
    return word in _YES if word in _YES | _NO else None


def _contract_problem(contract: str) -> str:
    try:
        segment(_CONTRACT, contract)
    except InvalidRequestError as error:
        return str(error.args[0]).removesuffix(".")
    return ""


def _meant(cell: str) -> str:
    """Return a cell without the apostrophe that our reports put before it."""
    cell = cell.strip()
    meant = cell[1:]
    return meant if meant and harmless(meant) == cell != meant else cell
