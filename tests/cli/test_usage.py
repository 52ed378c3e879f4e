"""The command line explains itself, and what was wrong with its use."""

from __future__ import annotations

import re

import pytest

from support.command_line import ONBOARD, ORDER, PROMO, CommandLine


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("onbord",), 'Did you mean "onboard"?'),
        (("onboard", str(ORDER)), "--promo"),
        (("onboard", *PROMO), "requires an argument"),
        ((*ONBOARD, "--client-secret=s3cret"), "--client-secret"),
        (("onboard", "--client-secret=s3cret", *PROMO), "--client-secret"),
        (("onboard", *PROMO, "-x", "s3cret"), "See `sesamy onboard --help`."),
        ((*ONBOARD, "s3cret"), "an argument too many"),
        ((*ONBOARD, "--timeout", "soon"), "--timeout"),
        ((*ONBOARD, "--sandbox", "--timeout", "0"), "timeout must be"),
        ((*ONBOARD, "--sandbox", "--base-url", "x"), "Give either --sandbox"),
        ((*ONBOARD,), "SESAMY_VENDOR_ID"),
        ((*ONBOARD, "--vendor", ""), "--vendor must be"),
        ((*ONBOARD, "--vendor", "acme"), "Set SESAMY_CLIENT_ID and"),
        (("token",), "SESAMY_CLIENT_ID and SESAMY_CLIENT_SECRET"),
        (("completion", "tcsh"), "tcsh"),
        (("sandbox", "--port", "99999"), "--port"),
        (("sandbox", "--host", "example.org"), "loopback only"),
        (("sandbox", "--config", "nowhere.toml"), "nowhere.toml"),
    ],
)
def test_usage(
    sesamy: CommandLine, arguments: tuple[str, ...], said: str
) -> None:
    """A wrong option or setting is exit code 2, and names what it is."""
    ran = sesamy(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "s3cret" not in ran.err
    assert ran.err.endswith("Outcome: NOT_SENT. Nothing was sent.\n")


def test_usage_for_machines(sesamy: CommandLine) -> None:
    """Also what can't be parsed is an object, where --json stands."""
    ran = sesamy("onboard", "--json")

    assert (ran.code, ran.err) == (2, "")
    assert ran.json["error"]["type"] == "UsageError"


def test_one_credential_is_missing(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the variable that is missing is named."""
    monkeypatch.setenv("SESAMY_CLIENT_ID", "c")
    ran = sesamy("token")

    assert ran.code == 2
    assert ran.err.startswith("Error: Set SESAMY_CLIENT_SECRET: ")


@pytest.mark.parametrize(
    "command",
    [
        (),
        ("onboard",),
        ("contract",),
        ("contract", "create"),
        ("contract", "confirm"),
        ("token",),
        ("sandbox",),
        ("completion",),
    ],
)
def test_help(sesamy: CommandLine, command: tuple[str, ...]) -> None:
    """Every command has help with examples."""
    ran = sesamy(*command, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: {' '.join(['sesamy', *command])}" in ran.out
    assert "Examples:\n\n  sesamy" in ran.out


def test_version(sesamy: CommandLine) -> None:
    """The version is that of the package."""
    ran = sesamy("--version")

    assert ran.code == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", ran.out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(sesamy: CommandLine, shell: str) -> None:
    """Each shell gets a script that knows the commands."""
    ran = sesamy("completion", shell)

    assert (ran.code, ran.err) == (0, "")
    assert "onboard" in ran.out
    assert "token-cache" in ran.out
