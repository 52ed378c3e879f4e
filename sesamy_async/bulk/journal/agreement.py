"""Whether a journal is of this import."""

from __future__ import annotations

from .terms import Terms


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
            "mapping)",
        )
    return tuple(found)


def _shown(value: str | None) -> str:
    return "not given" if value is None else str(value)
