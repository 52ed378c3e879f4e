"""A rejected row as it stood in the file, with what is wrong with it.

Its cells are left exactly as they are, also those that a spreadsheet takes
for a formula: the file is to be mended and imported again, and an apostrophe
in front of ``+46701740605`` would make a wrong phone number of a right one.
The cells came from a file of the same person; nothing of Sesamy's is among
them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, cast

from sesamy_async.bulk.journal.entry import Entry
from sesamy_async.bulk.repeats import REASON

from .cells import harmless


MARK = "#"
"""What the names of columns begin with that an import does not read."""

_COLUMNS = ("#row", REASON)


SAID = " Sesamy says: "
"""Stands before its words, of which the journal knows nothing."""


def why(entry: Entry, said: str | None = None) -> str:
    """Return the reason, and which contract there is all the same.

    Args:
        entry: What became of the row.
        said: What Sesamy said of it, beyond its code.
    """
    reason = entry.reason or ""
    contract = entry.contract_id
    if contract is not None and contract not in reason:
        reason += f" (contract {contract} is made, and not confirmed)"
    return reason if said is None else f"{reason}{SAID}{said}"


def header(names: Sequence[str]) -> list[str]:
    """Return the header of the report, whatever it already was.

    Args:
        names: The header of the file.
    """
    return [*_COLUMNS, *(name for name in names if not _ours(name))]


def cells(
    names: Sequence[str],
    values: Sequence[str],
    entry: Entry,
    said: str | None = None,
) -> list[str]:
    """Return a row of the report.

    The additional columns come first, for a row may be rejected because it
    has more cells than the header.

    Args:
        names: The header of the file.
        values: The cells of the row.
        entry: What became of it.
        said: What Sesamy said of it, beyond its code.
    """
    kept = [
        value
        for index, value in enumerate(values)
        if index >= len(names) or not _ours(names[index])
    ]
    return [str(entry.row), harmless(why(entry, said)), *kept]


def line(text: str, entry: Entry, said: str | None = None) -> str:
    """Return a line of JSON Lines with the additional keys in front.

    A line that holds no object becomes one, under the key ``#line``.

    Args:
        text: The line.
        entry: What became of it.
        said: What Sesamy said of it, beyond its code.
    """
    added: dict[str, Any] = dict(
        zip(_COLUMNS, (entry.row, why(entry, said)), strict=True)
    )
    order = _object(text)
    if order is None:
        return _dump({**added, "#line": text})
    if not order or any(map(_ours, order)):
        old = {key: order[key] for key in order if not _ours(key)}
        return _dump({**added, **old})
    # Not written anew: repeated keys and numbers stay as they stand.
    return f"{_dump(added)[:-1]}, {text.strip()[1:]}"


def _object(text: str) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def _ours(name: str) -> bool:
    return name.startswith(MARK)


def _dump(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False)
