"""What a call that was cut off has to leave behind."""

from __future__ import annotations

from typing import Any

from proof.judge import judged
from proof.notes import outcome_noted
from proof.site import Site
from proof.stepping import Cut
from sesamy_async import Outcome, SesamyError
from support.calling import AT_ONCE, Ending, complete

from .scenes import Scene


DEADLINE = 20.0
"""Seconds within which all that is not lost has come, on any machine."""


class Broken(Exception):  # noqa: N818 - a finding, no mishap
    """The promise was broken; it says how."""


def settings_of(scene: Scene, site: Site) -> dict[str, Any]:
    """Return the settings of a client that gets its tokens itself."""
    settings = site.settings(cap=scene.cap)
    environment = site.sandbox.environment(settings["base_url"])
    del settings["auth"]
    return complete(
        {
            **settings,
            "client_id": environment["SESAMY_CLIENT_ID"],
            "client_secret": environment["SESAMY_CLIENT_SECRET"],
            "token_url": environment["SESAMY_TOKEN_URL"],
            "timeout": 2 * DEADLINE,
            "deadline": DEADLINE,
            "retry": AT_ONCE,
            **scene.settings,
        }
    )


def judge(scene: Scene, site: Site, end: Cut, name: str) -> None:
    """Compare what it left word of with the ledger.

    Raises:
        Broken: It is not true.
    """
    if end.error is None or isinstance(end.error, SesamyError):
        ending = Ending(value=end.value, error=end.error)
    else:
        told = outcome_noted(end.error)
        if not scene.told:
            told = Outcome.UNKNOWN
        ending = Ending(error=SesamyError("cancelled", outcome=told))
    if not scene.told and end.error is None:
        ending = Ending(value=end.value.contract)
    found = judged(ending, site.sandbox.ledger, name)
    if found is not None:
        raise Broken(found)


def judge_other(site: Site, ending: Ending, order: str) -> None:
    """See that a call beside it, or after it, did well.

    Raises:
        Broken: It did not.
    """
    found = judged(ending, site.sandbox.ledger, order)
    if ending.error is not None or found is not None:
        raise Broken(f"a call beside or after it: {ending.error or found}")
