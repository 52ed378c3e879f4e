"""What ``sesamy doctor`` makes of what it saw."""

from __future__ import annotations

import ssl
from typing import Any, cast

import attrs
import pytest

from sesamy_async import ConfigurationError
from sesamy_async._cli.doctor import (
    CheckResult,
    CheckState,
    headline,
    judge_answer,
    judge_clock,
    judge_connection,
    judge_rate,
    judge_scope,
    judge_settings,
    refused,
    unreachable,
)
from sesamy_async._cli.options import Checkup
from sesamy_async._cli.token import Granted
from sesamy_async._headers import Headers


NOW = 1794492180.0
"""12 November 2026 at 14:03 UTC."""


@pytest.mark.parametrize(
    ("seen", "advice"),
    [
        ("No connection: refused.", "a firewall blocks"),
        ("No connection: refused (at the proxy a.test:1).", "Check the proxy"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] it expired", "Check the clock"),
        ("[SSL: WRONG_VERSION_NUMBER] wrong version", "interferes with TLS"),
    ],
)
def test_failures(seen: str, advice: str) -> None:
    """Each cause has advice of its own."""
    finding = unreachable("connection", seen)

    assert (CheckState.FAILED, seen) == (finding.state, finding.seen)
    assert advice in finding.advice


@attrs.frozen
class Session:
    """Stands for TLS with a server whose certificate ends then."""

    ends: str

    def version(self) -> str:
        """Return the version of TLS."""
        return "TLSv1.3"

    def getpeercert(self) -> dict[str, Any]:
        """Return the certificate of the server."""
        return {"notAfter": self.ends}


@pytest.mark.parametrize(
    ("ends", "proxy", "state", "said"),
    [
        (
            "Dec  1 00:00:00 2026 GMT",
            None,
            CheckState.OK,
            "directly, TLSv1.3, certificate valid until 1 December 2026 at ",
        ),
        (
            "Nov 15 00:00:00 2026 GMT",
            "a.test:1",
            CheckState.WARNING,
            "through the proxy a.test:1, TLSv1.3, certificate valid until 15 ",
        ),
    ],
)
def test_certificates(
    ends: str, proxy: str | None, state: CheckState, said: str
) -> None:
    """The way and the version, and whether the certificate ends soon."""
    session = cast("ssl.SSLObject", Session(ends))
    finding = judge_connection(proxy, session, NOW)

    assert state is finding.state
    assert finding.seen.startswith(f"connected {said}")


@pytest.mark.parametrize(
    ("status", "state", "advice"),
    [
        (200, CheckState.OK, ""),
        (404, CheckState.OK, ""),
        (301, CheckState.WARNING, "base_url"),
        (503, CheckState.WARNING, "later"),
    ],
)
def test_answers(status: int, state: CheckState, advice: str) -> None:
    """Without a token, only redirects and failures of servers count."""
    finding = judge_answer(status, 0.25)

    assert state is finding.state
    assert f"answered {status} within 250 ms" == finding.seen
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("date", "state", "seen"),
    [
        ("Thu, 12 Nov 2026 14:03:00 GMT", CheckState.OK, "within 60 s"),
        ("Thu, 12 Nov 2026 14:02:00 GMT", CheckState.OK, "within 60 s"),
        ("Thu, 12 Nov 2026 14:01:59 GMT", CheckState.WARNING, "61 s ahead of"),
        ("Thu, 12 Nov 2026 14:04:01 GMT", CheckState.WARNING, "61 s behind"),
        ("soon", CheckState.OK, "no Date"),
        (None, CheckState.OK, "no Date"),
    ],
)
def test_clocks(date: str | None, state: CheckState, seen: str) -> None:
    """More than a minute is too much."""
    finding = judge_clock(date, NOW)

    assert state is finding.state
    assert seen in finding.seen


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ({}, "states none; the client sends 300"),
        ({"X-RateLimit-Limit": "x"}, "states none"),
        (
            {"X-RateLimit-Limit": "100", "X-RateLimit-Remaining": "7"},
            "states 100 requests, of which 7 are left",
        ),
    ],
)
def test_rate_limits(headers: dict[str, str], said: str) -> None:
    """They are repeated where an answer has them."""
    assert said in judge_rate(Headers(headers)).seen


def test_scopes() -> None:
    """One that is missing is named, with its spellings and audiences."""
    missing = judge_scope(Granted("token", "a", ("b", "c")))

    assert CheckState.WARNING is missing.state
    assert "a (granted, according to the token); missing: b c" == missing.seen
    for each in ("paymentsContractThirdPartyOnboarding", "urn:sesamy"):
        assert each in missing.advice
    assert CheckState.OK is judge_scope(Granted("answer", "b", ())).state


def test_settings_of_options() -> None:
    """An option comes first, and is named as what it is."""
    environ = {
        "SESAMY_VENDOR_ID": "x",
        "SESAMY_QQQQQQQQQQQQQQQQQQQQQQQQQQQQQ": "CANARY",
    }
    found = {
        each.check: each
        for each in judge_settings(environ, Checkup(vendor="acme"))
    }

    assert "acme (option)" == found["vendor_id"].seen
    assert (CheckState.WARNING, "") == (
        found["SESAMY_QQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"].state,
        found["SESAMY_QQQQQQQQQQQQQQQQQQQQQQQQQQQQQ"].advice,
    )
    assert "CANARY" not in str(found)


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ([CheckState.OK], "No problem was found."),
        (
            [*CheckState, CheckState.FAILED],
            "Of 4 checks: 2 failed, 1 warned.",
        ),
    ],
)
def test_headlines(states: list[CheckState], said: str) -> None:
    """The first line counts."""
    assert said == headline([CheckResult("x", each, "y") for each in states])


def test_texts() -> None:
    """Each is one line of whole sentences."""
    assert (
        "Seen. Do it."
        == CheckResult("x", CheckState.OK, "Seen.", "Do it").text
    )
    assert (
        "Seen. Did you?"
        == CheckResult("x", CheckState.OK, "Seen", "Did you?").text
    )
    assert "Wrong." == refused("x", ConfigurationError("Wrong.")).text
