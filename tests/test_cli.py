"""The command line says what became of the order, in words and codes."""

from __future__ import annotations

import json
import re
import signal
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import attrs
import pytest

from sesamy_async.auth import FileTokenStore
from sesamy_async.cli import run
from sesamy_async.cli.interruption import InterruptionError
from sesamy_async.cli.options import API
from sesamy_async.cli.session import session
from sesamy_async.core.outcome import Outcome
from sesamy_async.sandbox import Sandbox, running


ORDER = Path(__file__).parent.parent / "examples" / "order.json"
ORDER_ID = "A-2026-004711"
PERSONAL = ("astrid", "bergstr", "example.com", "+4670", "sandbox-secret")
PROMO = ("--promo", "SPRING-12")
CREATE = ("contract", "create", str(ORDER), *PROMO)
ONBOARD = ("onboard", str(ORDER), *PROMO)


@attrs.frozen
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)


Command = Callable[..., Ran]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tokens where the test can see them."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def sesamy(capsys: pytest.CaptureFixture[str]) -> Command:
    """Run commands, none of which may tell anything personal."""

    def ran(*arguments: str) -> Ran:
        code = run(arguments)
        out, err = capsys.readouterr()
        told = f"{out}{err}".lower()

        assert [] == [word for word in PERSONAL if word in told]
        return Ran(code, out, err)

    return ran


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Serve a sandbox that the environment leads to."""
    sandbox = Sandbox()
    with running(sandbox) as url:
        for name, value in sandbox.environment(url).items():
            monkeypatch.setenv(name, value)
        yield sandbox


def test_onboard_for_people(sesamy: Command, served: Sandbox) -> None:
    """An order is onboarded, and the answer names the contract."""
    ran = sesamy(*ONBOARD)
    (contract,) = served.ledger.confirmed(ORDER_ID)

    assert ran == Ran(
        0,
        f"Contract {contract.id} is confirmed.\n"
        f"  order   {ORDER_ID}\n"
        "  status  ACTIVE\n"
        "  strays  0\n",
        "",
    )


def test_onboard_for_machines(sesamy: Command, served: Sandbox) -> None:
    """With --json there is one object, which counts the strays."""
    served.faults.add("drop-after", on="create")
    ran = sesamy(*ONBOARD, "--json")
    (contract,) = served.ledger.confirmed(ORDER_ID)

    assert (ran.code, ran.err) == (0, "")
    assert ran.json == {
        "contract_id": contract.id,
        "status": "ACTIVE",
        "confirmed": True,
        "external_order_id": ORDER_ID,
        "strays": 1,
        "sandbox": False,
    }


def test_strays_for_people(sesamy: Command, served: Sandbox) -> None:
    """A stray is explained."""
    served.faults.add("drop-after", on="create")
    ran = sesamy(*ONBOARD)

    assert ran.code == 0
    assert "1 at most (unconfirmed contracts, which give" in ran.out


def test_create_then_confirm(sesamy: Command, served: Sandbox) -> None:
    """Both steps can be made on their own, one process after another."""
    created = sesamy(*CREATE, "--json")
    contract_id = created.json["contract_id"]
    unconfirmed = served.ledger.confirmed(ORDER_ID)
    confirmed = sesamy("contract", "confirm", contract_id, *PROMO, "--json")
    (contract,) = served.ledger.confirmed(ORDER_ID)

    assert unconfirmed == ()
    assert contract.id == contract_id
    assert created.json == {
        "contract_id": contract_id,
        "status": "PENDING",
        "confirmed": False,
        "external_order_id": ORDER_ID,
        "sandbox": False,
    }
    assert confirmed.json == {
        "contract_id": contract_id,
        "status": "ACTIVE",
        "confirmed": True,
    }


@pytest.mark.parametrize(
    ("more", "headline"),
    [
        ((), "is made in a sandbox, but not confirmed yet."),
        (("--confirm",), "is made in a sandbox and confirmed."),
    ],
)
def test_create_for_people(
    sesamy: Command, more: tuple[str, ...], headline: str
) -> None:
    """The answer says whether the contract is confirmed."""
    ran = sesamy(*CREATE, "--sandbox", *more)

    assert ran.code == 0
    assert headline in ran.out


def test_sandbox_needs_nothing(
    sesamy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """--sandbox takes no setting, and no proxy, from the environment."""
    monkeypatch.setenv("SESAMY_VENDOR_ID", "elsewhere")
    monkeypatch.setenv("SESAMY_BASE_URL", "https://elsewhere.invalid")
    monkeypatch.setenv("SESAMY_SCOPE", "elsewhere")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    ran = sesamy(*ONBOARD, "--sandbox")

    assert ran.code == 0
    assert "is confirmed in a sandbox." in ran.out


def test_sandbox_without_aiohttp(
    sesamy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where aiohttp is missing, the message names the extra."""
    monkeypatch.setitem(sys.modules, "sesamy_async.sandbox.listener", None)
    ran = sesamy(*ONBOARD, "--sandbox")

    assert ran.code == 2
    assert "pip install 'sesamy-async[sandbox]'" in ran.err


def test_refused(sesamy: Command) -> None:
    """What Sesamy refuses is exit code 1, and one paragraph on stderr."""
    ran = sesamy("onboard", str(ORDER), "--promo", "NOPE", "--sandbox")

    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith(
        f"Error: contracts.onboard of order '{ORDER_ID}': Sesamy answered 404"
    )
    assert "Outcome: REFUSED." in ran.err
    assert ran.err.count("\n") == 1


def test_refused_for_machines(sesamy: Command) -> None:
    """With --json an error is an object on stdout too."""
    ran = sesamy(
        "onboard", str(ORDER), "--promo", "NOPE", "--sandbox", "--json"
    )
    error = ran.json["error"]
    varying = {
        "message": error["message"],
        "request_id": error["request_id"],
    }

    assert (ran.code, ran.err) == (1, "")
    assert error == {
        "type": "NotFoundError",
        "outcome": "REFUSED",
        "retryable": False,
        "operation": "contracts.onboard",
        "external_order_id": ORDER_ID,
        "contract_id": None,
        "step": "create",
        "attempts": 1,
        "status_code": 404,
        "code": "resource_not_found",
        **varying,
    }


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [("drop-after", "UNKNOWN"), ("malformed", "APPLIED")],
)
def test_look_first(
    sesamy: Command, served: Sandbox, fault: str, outcome: str
) -> None:
    """Where it was done or may have been, the exit code is 4."""
    served.faults.add(fault, on="create")
    ran = sesamy(*CREATE)

    assert (ran.code, ran.out) == (4, "")
    assert f"Outcome: {outcome}." in ran.err


def test_stopped_in_between(sesamy: Command, served: Sandbox) -> None:
    """Where confirming failed, the error names the contract."""
    served.faults.add("status:503", on="confirm", times=50)
    ran = sesamy(*ONBOARD, "--deadline", "2", "--json")
    error = ran.json["error"]
    (contract,) = served.ledger.contracts(ORDER_ID)

    assert ran.code == 4
    assert (contract.id, "confirm", "UNKNOWN") == (
        error["contract_id"],
        error["step"],
        error["outcome"],
    )


def test_token_for_people(sesamy: Command, served: Sandbox) -> None:
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
    sesamy: Command, served: Sandbox, monkeypatch: pytest.MonkeyPatch
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
    sesamy: Command, served: Sandbox, monkeypatch: pytest.MonkeyPatch
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
    sesamy: Command,
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


def test_sandbox_keeps_no_token(sesamy: Command) -> None:
    """A sandbox that ends with its command leaves no token behind."""
    ran = sesamy(*ONBOARD, "--sandbox")

    assert ran.code == 0
    assert not FileTokenStore().path.exists()


def test_token_store_warns(sesamy: Command, served: Sandbox) -> None:
    """Trouble with the token file is one readable line."""
    del served
    path = FileTokenStore().path
    path.parent.mkdir()
    path.write_text("broken")
    path.chmod(0o600)
    ran = sesamy(*ONBOARD)

    assert ran.code == 0
    assert ran.err.startswith(f"Warning: The token file {path} is damaged")


@pytest.mark.parametrize(
    ("option", "lines"),
    [
        ((), []),
        (("--verbose",), ["INFO contracts.create done"]),
        (("-vv",), ["DEBUG contracts.create: attempt 1", "INFO contracts"]),
        (("-vvv",), ["DEBUG contracts.create: attempt 1", "INFO contracts"]),
    ],
)
def test_verbose(
    sesamy: Command, option: tuple[str, ...], lines: list[str]
) -> None:
    """Logs go to stderr, and only where they are asked for."""
    ran = sesamy(*CREATE, "--sandbox", *option)

    assert ran.code == 0
    assert [line in ran.err for line in lines] == [True] * len(lines)
    assert bool(lines) == bool(ran.err)


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
def test_usage(sesamy: Command, arguments: tuple[str, ...], said: str) -> None:
    """A wrong option or setting is exit code 2, and names what it is."""
    ran = sesamy(*arguments)

    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert "s3cret" not in ran.err
    assert ran.err.endswith("Outcome: NOT_SENT. Nothing was sent.\n")


def test_usage_for_machines(sesamy: Command) -> None:
    """Also what can't be parsed is an object, where --json stands."""
    ran = sesamy("onboard", "--json")

    assert (ran.code, ran.err) == (2, "")
    assert ran.json["error"]["type"] == "UsageError"


def test_one_credential_is_missing(
    sesamy: Command, monkeypatch: pytest.MonkeyPatch
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
def test_help(sesamy: Command, command: tuple[str, ...]) -> None:
    """Every command has help with examples."""
    ran = sesamy(*command, "--help")

    assert (ran.code, ran.err) == (0, "")
    assert f"Usage: {' '.join(['sesamy', *command])}" in ran.out
    assert "Examples:\n\n  sesamy" in ran.out


def test_version(sesamy: Command) -> None:
    """The version is that of the package."""
    ran = sesamy("--version")

    assert ran.code == 0
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", ran.out)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(sesamy: Command, shell: str) -> None:
    """Each shell gets a script that knows the commands."""
    ran = sesamy("completion", shell)

    assert (ran.code, ran.err) == (0, "")
    assert "onboard" in ran.out
    assert "token-cache" in ran.out


class Full(StringIO):
    """A stdout with no room, on a pipe or a disk."""

    encoding = "ascii"
    error: OSError = OSError(28, "No space left on device")

    def write(self, text: str) -> int:
        """Fail."""
        del text
        raise self.error


class Odd(Full):
    """One that does not say why."""

    error = OSError()


@pytest.mark.parametrize(
    ("stdout", "reason"),
    [
        (Full(), "No space left on device"),
        (Odd(), "OSError"),
        (None, "it is closed"),
    ],
)
def test_answer_is_not_lost(
    sesamy: Command,
    monkeypatch: pytest.MonkeyPatch,
    stdout: Full | None,
    reason: str,
) -> None:
    """Where stdout takes nothing, stderr names the contract."""
    monkeypatch.setattr(sys, "stdout", stdout)
    ran = sesamy(*ONBOARD, "--sandbox")

    assert ran.code == 4
    assert re.fullmatch(
        r"Contract \w+ is confirmed in a sandbox\.\n"
        rf"Error: It can't be written to stdout: {reason}\.\n",
        ran.err,
    )


def test_error_is_not_lost(
    sesamy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that stdout does not take goes to stderr."""
    monkeypatch.setattr(sys, "stdout", Full())
    ran = sesamy("onboard", "--json")

    assert ran.code == 2
    assert ran.err.startswith("Error: ")


def test_terminal_is_safe(sesamy: Command, tmp_path: Path) -> None:
    """What would steer the terminal is shown escaped."""
    file = tmp_path / "order.json"
    file.write_text('{"externalOrderId": "A\\u001b[2J\\ud83d\\ude00"}')
    ran = sesamy("contract", "create", str(file), *PROMO, "--sandbox")

    assert "\x1b" not in f"{ran.out}{ran.err}"
    assert "A\\x1b[2J😀" in f"{ran.out}{ran.err}"


def test_interrupted_before(
    sesamy: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C before anything was sent says so."""

    def interrupt(file: str) -> None:
        del file
        raise KeyboardInterrupt

    monkeypatch.setattr("sesamy_async.cli.onboard.read_order", interrupt)
    ran = sesamy(*ONBOARD, "--sandbox", "--json")

    assert ran.code == 130
    assert ran.json["error"]["outcome"] == "NOT_SENT"


def test_terminated(sesamy: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """SIGTERM says as much as Ctrl-C, and is as before afterwards."""

    def terminate(file: str) -> None:
        del file
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("sesamy_async.cli.onboard.read_order", terminate)
    ran = sesamy(*ONBOARD, "--sandbox", "--json")

    assert ran.code == 130
    assert ran.json["error"]["outcome"] == "NOT_SENT"
    assert before == signal.getsignal(signal.SIGTERM)


def test_interrupted_between() -> None:
    """Ctrl-C in a session without a call says that nothing was sent."""
    with (
        pytest.raises(InterruptionError) as caught,
        session(API, sandbox=True),
    ):
        raise KeyboardInterrupt

    assert caught.value.outcome is Outcome.NOT_SENT
