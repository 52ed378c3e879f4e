"""Whether a journal is of this import."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from sesamy_async.bulk.errors import JournalMismatchError
from sesamy_async.bulk.state import State

from .terms import Terms


_IDLE = {State.PENDING, State.REJECTED}

_OPTIONS = {
    "promo_code": "--promo",
    "vendor_id": "--vendor",
    "base_url": "--base-url",
    "confirm": "--confirm",
}


def differences(before: Terms, now: Terms) -> tuple[str, ...]:
    """Say what has changed since the import began; () if nothing has.

    The name of the file may change: it is only for messages.
    """
    found = [
        f"{option} was {_shown(getattr(before, name))}, and is "
        f"{_shown(getattr(now, name))}"
        for name, option in _OPTIONS.items()
        if getattr(before, name) != getattr(now, name)
    ]
    if before.strays != now.strays:
        given = ("given", "not given")
        found.append(
            f"--no-strays was {given[before.strays]}, and is "
            f"{given[now.strays]}"
        )
    if before.fingerprint != now.fingerprint:
        found.insert(
            0,
            f"{before.source} has changed, or how it is read (encoding, "
            "delimiter, mapping, --allow-unknown)",
        )
    return tuple(found)


def disagreement(
    path: Path, found: Iterable[str], counts: Mapping[State, int], strays: int
) -> JournalMismatchError:
    """Return the error that says what differs, and what to do.

    Args:
        path: Of the journal.
        found: What differs.
        counts: How many rows are in each state.
        strays: How many contracts may be left over.
    """
    sent = strays or any(counts[each] for each in State if each not in _IDLE)
    onward = (
        "or import what is new from a file of its own, with none of the "
        "orders that this journal knows, for they would be sent again"
        if sent
        else "or begin anew, for no order of it has a contract: `sesamy "
        f"journal purge {path} --yes --force` removes it"
    )
    return JournalMismatchError(
        f"The journal {path} is of another import: {'; '.join(found)}. "
        f"Go on as it began; {onward}."
    )


def _shown(value: str | None) -> str:
    return "not given" if value is None else str(value)
