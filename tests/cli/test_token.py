"""Tokens of the command line are checked, shown if asked for, and kept."""

from __future__ import annotations

import pytest

from sesamy_async._call import Secret
from sesamy_async.auth import ClientCredentials, FileTokenStore, Token
from sesamy_async.sandbox import Sandbox, SandboxConfig, running
from support.command_line import ONBOARD, CommandLine, Ran
from support.sandbox_settings import lead_to


SCOPE = "payments:contract:third-party-onboarding"
MANY = [f"s{number}" for number in range(99)]


@pytest.mark.usefixtures("served")
def test_token_for_people(sesamy: CommandLine) -> None:
    """The credentials are checked, and the token is not shown."""
    ran = sesamy("token")

    assert ran == Ran(
        0,
        "The credentials work.\n  scope     "
        "payments:contract:third-party-onboarding (granted, according to the "
        "token)\n  lifetime  86400 s\n",
        "",
    )


@pytest.mark.usefixtures("served")
def test_token_for_machines(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The token is shown with --show; no vendor is needed."""
    monkeypatch.delenv("SESAMY_VENDOR_ID")
    scope = "paymentsContractThirdPartyOnboarding"
    monkeypatch.setenv("SESAMY_SCOPE", scope)
    shown = sesamy("token", "--show", "--json")
    hidden = sesamy("token", "--json")

    assert hidden.json == {
        "token_type": "Bearer",
        "scope": scope,
        "scope_source": "token",
        "missing": [],
        "expires_in": 86400,
    }
    assert shown.json == hidden.json | {"token": shown.json["token"]}


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, ("asked", SCOPE, [])),
        ("x x", ("answer", "x", [SCOPE])),
        ("", ("answer", "", [SCOPE])),
        ("\x1b[2J kim@example.se", ("answer", "", [SCOPE])),
        ("a-sandbox-secret y", ("answer", "y", [SCOPE])),
        (" ".join(MANY), ("answer", " ".join(MANY[:50]), [SCOPE])),
        (" ".join([*MANY, SCOPE]), ("answer", " ".join(MANY[:50]), [])),
    ],
)
@pytest.mark.usefixtures("served")
def test_granted_scope(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    answer: str | None,
    told: tuple[str, str, list[str]],
) -> None:
    """The answer says it, else the token, else it is what was asked for."""
    got = Token(Secret("opaque"), "Bearer", 60.0, 60.0, answer)

    async def ask(*_: object) -> tuple[Token, int]:
        return got, 60

    monkeypatch.setattr("sesamy_async._cli.token.ask", ask)
    ran = sesamy("token", "--json")

    assert told == (
        ran.json["scope_source"],
        ran.json["scope"],
        ran.json["missing"],
    )


@pytest.mark.parametrize(
    ("config", "code", "told"),
    [
        (
            SandboxConfig(tokens_without_scope=True),
            0,
            [
                "a requested scope was not granted",
                "  scope     none (granted, according to the token)\n",
                f"  missing   {SCOPE}\n",
                "urn:sesamy",
            ],
        ),
        (
            SandboxConfig(unknown_tenant=True),
            1,
            [
                "Check token_url (SESAMY_TOKEN_URL)",
                "Tried as json: 404 (Tenant not found); as form: 404 (Ten",
            ],
        ),
        (SandboxConfig(form_only=True), 0, ["The credentials work."]),
    ],
    ids=["without scope", "unknown tenant", "forms only"],
)
def test_token_of_other_servers(
    sesamy: CommandLine,
    monkeypatch: pytest.MonkeyPatch,
    config: SandboxConfig,
    code: int,
    told: list[str],
) -> None:
    """The answer says what to check; forms are tried as well."""
    sandbox = Sandbox(config)
    with running(sandbox) as url:
        lead_to(sandbox, monkeypatch, url)
        ran = sesamy("token")
        order = sesamy(*ONBOARD)
        asked = sandbox.ledger.requests("token")
        chosen = sesamy("token", "--token-encoding", "form")
        once = sandbox.ledger.requests("token") - asked
        monkeypatch.setenv("SESAMY_TOKEN_ENCODING", "json")
        alone = sesamy("token")

    assert (code, 1) == (ran.code, once)
    for each in told:
        assert each in f"{ran.out}{ran.err}"
    assert ("SESAMY_AUDIENCE" in order.err) is config.tokens_without_scope
    if config.form_only:
        assert (0, 0, 1) == (order.code, chosen.code, alone.code)
        assert "answered 403 (Client not found)" in alone.err
        assert "Tried as json: 403 (Client not found)." in alone.err


@pytest.mark.parametrize(
    ("more", "asked", "kept"),
    [((), 1, True), (("--no-token-cache",), 2, False)],
)
def test_token_cache(
    sesamy: CommandLine,
    served: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    more: tuple[str, ...],
    asked: int,
    *,
    kept: bool,
) -> None:
    """Tokens are kept between runs, unless that is turned off."""
    again = (*ONBOARD, "--idempotency", "none", *more)
    first, second = sesamy(*again), sesamy(*again)

    assert (0, 0) == (first.code, second.code)
    assert asked == served.ledger.requests("token")
    assert kept == FileTokenStore().path.exists()

    # The kept token does not hide wrong credentials.
    monkeypatch.setenv("SESAMY_CLIENT_SECRET", "wrong")
    wrong = sesamy("token")

    assert (1, "") == (wrong.code, wrong.out)
    assert "answered 403 (Invalid client credentials)" in wrong.err


def test_sandbox_keeps_no_token(sesamy: CommandLine) -> None:
    """Options apply to a temporary sandbox, variables do not."""
    ran = sesamy(*ONBOARD, "--sandbox")
    refused = sesamy(*ONBOARD, "--sandbox", "--scope", "admin")

    assert (0, 1) == (ran.code, refused.code)
    assert not FileTokenStore().path.exists()
    assert "Check scope (SESAMY_SCOPE)" in refused.err


@pytest.mark.usefixtures("served")
def test_token_store_warns(sesamy: CommandLine) -> None:
    """Trouble with the token file is one readable line."""
    path = FileTokenStore().path
    path.parent.mkdir(parents=True)
    path.write_text("broken")
    path.chmod(0o600)
    ran = sesamy(*ONBOARD)

    assert ran.code == 0
    assert ran.err.startswith(f"Warning: The token file {path} is damaged")


@pytest.mark.usefixtures("served")
def test_what_is_asked_for(
    sesamy: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each comes from its option, else from its variable."""
    seen: list[ClientCredentials] = []

    async def ask(given: ClientCredentials, *_: object) -> tuple[Token, int]:
        seen.append(given)
        return Token(Secret("t"), "Bearer", 60.0, 60.0), 60

    monkeypatch.setattr("sesamy_async._cli.token.ask", ask)
    names = ("scope", "audience", "organization")
    for name in names:
        monkeypatch.setenv(f"SESAMY_{name.upper()}", f"{name}-variable")
    monkeypatch.setenv("SESAMY_TOKEN_ENCODING", "form")
    sesamy("token")
    options = [f"--{name}={name}-option" for name in names]
    sesamy("token", "--token-encoding", "basic", *options)

    for given, source, encoding in zip(
        seen, ("variable", "option"), ("form", "basic"), strict=True
    ):
        assert encoding == given.encoding
        assert [f"{name}-{source}" for name in names] == [
            getattr(given, name) for name in names
        ]
