"""Tokens of the command line are checked, shown if asked for, and kept."""

from __future__ import annotations

import pytest

from sesamy_async.auth import FileTokenStore
from sesamy_async.sandbox import Sandbox
from support.command_line import ONBOARD, CommandLine, Ran


def test_token_for_people(sesamy: CommandLine, served: Sandbox) -> None:
    """The credentials are checked, and the token is not shown."""
    del served
    ran = sesamy("token")

    assert ran == Ran(
        0,
        "The credentials work.\n"
        "  scope     payments:contract:third-party-onboarding\n"
        "  lifetime  86400 s\n",
        "",
    )


def test_token_for_machines(
    sesamy: CommandLine, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is shown where it is asked for; no vendor is needed."""
    del served
    monkeypatch.delenv("SESAMY_VENDOR_ID")
    scope = "paymentsContractThirdPartyOnboarding"
    monkeypatch.setenv("SESAMY_SCOPE", scope)
    shown = sesamy("token", "--show", "--json")
    hidden = sesamy("token", "--json")

    assert hidden.json == {
        "token_type": "Bearer",
        "scope": scope,
        "expires_in": 86400,
    }
    assert shown.json == hidden.json | {"token": shown.json["token"]}


def test_token_asks_anew(
    sesamy: CommandLine, served: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that was kept does not vouch for wrong credentials."""
    del served
    kept = sesamy(*ONBOARD)
    monkeypatch.setenv("SESAMY_CLIENT_SECRET", "wrong")
    ran = sesamy("token")

    assert kept.code == 0
    assert (ran.code, ran.out) == (1, "")
    assert "answered 403 (Invalid client credentials)" in ran.err


@pytest.mark.parametrize(
    ("more", "asked", "kept"),
    [((), 1, True), (("--no-token-cache",), 2, False)],
)
def test_token_cache(
    sesamy: CommandLine,
    served: Sandbox,
    more: tuple[str, ...],
    asked: int,
    *,
    kept: bool,
) -> None:
    """Tokens are kept between runs, unless that is turned off."""
    first = sesamy(*ONBOARD, *more)
    second = sesamy(*ONBOARD, *more)

    assert (0, 0) == (first.code, second.code)
    assert asked == served.ledger.requests("token")
    assert kept == FileTokenStore().path.exists()


def test_sandbox_keeps_no_token(sesamy: CommandLine) -> None:
    """A sandbox that ends with its command leaves no token behind."""
    ran = sesamy(*ONBOARD, "--sandbox")

    assert ran.code == 0
    assert not FileTokenStore().path.exists()


def test_token_store_warns(sesamy: CommandLine, served: Sandbox) -> None:
    """Trouble with the token file is one readable line."""
    del served
    path = FileTokenStore().path
    path.parent.mkdir(parents=True)
    path.write_text("broken")
    path.chmod(0o600)
    ran = sesamy(*ONBOARD)

    assert ran.code == 0
    assert ran.err.startswith(f"Warning: The token file {path} is damaged")
