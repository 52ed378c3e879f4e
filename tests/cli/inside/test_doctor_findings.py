"""What ``sesamy doctor`` makes of what it saw."""

from __future__ import annotations

import ssl
from collections import Counter
from typing import Any

import httpx
import pytest

from sesamy_async import ConfigurationError
from sesamy_async._cli.doctor_findings import (
    CheckResult,
    CheckState,
    headline,
    judge_answer,
    judge_clock,
    judge_failure,
    judge_orders,
    judge_rate,
    judge_scope,
    judge_settings,
    judge_tls,
    refused,
)
from sesamy_async._cli.options import Checkup
from sesamy_async._cli.token import Granted
from sesamy_async._headers import Headers
from sesamy_async._outcome import Failure, FailureKind
from sesamy_async.idempotency import OrderState


NOW = 1794492180.0
"""12 November 2026 at 14:03 UTC."""


def refusal(code: int) -> Exception:
    """Return the error for a certificate that OpenSSL refuses."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_code = code
    outer = httpx.ConnectError("x")
    outer.__cause__ = error
    return outer


def alert() -> Exception:
    """Return the error for a handshake that failed otherwise."""
    error = ssl.SSLError(1, "x")
    error.reason = "WRONG_VERSION_NUMBER"
    return error


@pytest.mark.parametrize(
    ("seen", "error", "advice"),
    [
        ("refused", OSError(), "a firewall blocks"),
        ("refused (at the proxy a.test:1).", OSError(), "Check the proxy"),
        ("x", refusal(9), "clock of this machine."),
        ("x", refusal(10), "clock of this machine. If"),
        ("x", refusal(62), "Check the URL"),
        ("x", refusal(19), "SSL_CERT_FILE"),
        ("x", alert(), "interferes with TLS"),
    ],
)
def test_failures(seen: str, error: Exception, advice: str) -> None:
    """Each cause has advice of its own."""
    failure = Failure(kind=FailureKind.CONNECT, detail=seen, sent=False)
    finding = judge_failure("api", failure, error)

    assert (CheckState.FAILED, seen) == (finding.state, finding.seen)
    assert advice in finding.advice


ISSUER = (
    (("countryName", "US"),),
    (("organizationName", "Let's Encrypt"),),
    (("commonName", "R3"),),
)


@pytest.mark.parametrize(
    ("ends", "issuer", "trusted", "state", "said"),
    [
        (
            "Dec  1 00:00:00 2026 GMT",
            ISSUER,
            [],
            CheckState.OK,
            "from Let's Encrypt R3 valid until 1 December 2026 at 00:00 UTC (",
        ),
        (
            "Nov 15 00:00:00 2026 GMT",
            (),
            ["SSL_CERT_FILE", "SSL_CERT_DIR"],
            CheckState.WARNING,
            "from ? (trusted by SSL_CERT_FILE and SSL_CERT_DIR) valid until ",
        ),
    ],
)
def test_certificates(
    ends: str, issuer: Any, trusted: list[str], state: CheckState, said: str
) -> None:
    """Who issued it, and whether it ends soon."""
    finding = judge_tls(
        "tls",
        way="directly",
        version="TLSv1.3",
        trusted=trusted,
        certificate={"notAfter": ends, "issuer": issuer},
        now=NOW,
    )

    start = "connected directly, TLSv1.3, certificate "

    assert state is finding.state
    assert finding.seen.startswith(f"{start}{said}")


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
    finding = judge_answer("api", status, Headers({"Via": "1.1 x"}), 0.25)

    assert state is finding.state
    assert f"answered {status} within 250 ms, through a proxy (Via)" == (
        finding.seen
    )
    assert advice in finding.advice


@pytest.mark.parametrize(
    ("date", "state", "seen"),
    [
        ("Thu, 12 Nov 2026 14:03:00 GMT", CheckState.OK, "within 60 s"),
        ("Thu, 12 Nov 2026 14:02:00 GMT", CheckState.OK, "within 60 s"),
        ("Thu, 12 Nov 2026 14:01:59 GMT", CheckState.WARNING, "61 s ahead of"),
        ("Thu, 12 Nov 2026 14:04:01 GMT", CheckState.WARNING, "61 s behind"),
        ("soon", CheckState.SKIPPED, "no Date"),
        (None, CheckState.SKIPPED, "no Date"),
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


def test_orders() -> None:
    """They are counted by state, and doubts are for somebody to settle."""
    counts = Counter({OrderState.CONFIRMED: 2, OrderState.UNKNOWN: 1})
    doubtful = judge_orders("x", counts, all_counted=True)
    others = judge_orders("x", Counter(), all_counted=False)

    assert "x, 3 orders: 2 CONFIRMED, 1 UNKNOWN" == doubtful.seen
    assert "sesamy orders list --state UNKNOWN" in doubtful.advice
    assert (CheckState.OK, "x, more than 0 orders") == (
        others.state,
        others.seen,
    )


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
            "Of 5 checks: 2 failed, 1 warned, 1 skipped.",
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
