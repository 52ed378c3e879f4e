"""A sandbox as a whole: its configuration, ids, reprs and rate limit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sesamy_async import AsyncSesamy, NewContract, Sesamy
from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import (
    Answer,
    Client,
    Limit,
    PromoCode,
    Sandbox,
    SandboxConfig,
    SandboxRequest,
    Vendor,
    Webhook,
)
from support.examples import ORDER, ORDER_ID
from support.sandbox_caller import (
    CREATE,
    START,
    Caller,
    content,
    error,
    logged_in,
)


WHOLE = """
token_lifetime = 60
rate_limit_headers = false
idempotent = true
form_only = true
tokens_without_scope = true
unknown_tenant = true
invoice_on = "confirm"
seed = 5

[webhook]
url = "https://shop.example/hook?x=1"
authorization = "hush"
retries = 0
backoff = 0.5

[rate_limit]
requests_per_minute = 100
burst = 200

[[clients]]
id = "c"
secret = "hush"
scopes = ["x"]

[[vendors]]
id = "v"

[[vendors.promo_codes]]
code = "P"
sku = "s"
name = "n"
price = 5
currency = "EUR"

[fault_rates]
"status:503@create" = 0.01
drop-after = 0
"""


def read(tmp_path: Path, text: str) -> SandboxConfig:
    """Read a configuration from text."""
    path = tmp_path / "sandbox.toml"
    path.write_text(text)
    return SandboxConfig.from_toml(path)


def test_every_setting_can_be_read(tmp_path: Path) -> None:
    """Each attribute has its key in the file; a secret is hidden."""
    read_ = read(tmp_path, WHOLE)

    assert "hush" not in repr(read_)
    assert (
        SandboxConfig(
            token_lifetime=60,
            rate_limit_headers=False,
            idempotent=True,
            form_only=True,
            tokens_without_scope=True,
            unknown_tenant=True,
            invoice_on="confirm",
            webhook=Webhook(
                url="https://shop.example/hook?x=1",
                authorization="hush",
                retries=0,
                backoff=0.5,
            ),
            seed=5,
            rate_limit=Limit(requests_per_minute=100, burst=200),
            clients=(Client(id="c", secret="hush", scopes=("x",)),),
            vendors=(
                Vendor(
                    id="v",
                    promo_codes=(
                        PromoCode(
                            code="P",
                            sku="s",
                            name="n",
                            price=5,
                            currency="EUR",
                        ),
                    ),
                ),
            ),
            fault_rates={"status:503@create": 0.01, "drop-after": 0},
        )
        == read_
    )


def test_what_is_left_out_is_as_by_default(tmp_path: Path) -> None:
    """An empty file is the default; `false` turns the rate limit off."""
    assert SandboxConfig() == read(tmp_path, "")
    assert read(tmp_path, "rate_limit = false").rate_limit is None


def test_message_names_all_keys_and_no_secret(tmp_path: Path) -> None:
    """Every wrong value is named; a file that is wrong keeps its secret."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, "seed = 'x'\n[[clients]]\nsecret = 'hush'")
    said = str(caught.value)

    assert "hush" not in said
    assert "seed: must" in said
    assert "[0].id: missing" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tokens = 5", r"unknown: tokens \(known are vendors, clients, "),
        ("token_lifetime = 0", "token_lifetime must be at least 1"),
        ('token_lifetime = "x"', "token_lifetime: must be a whole number"),
        ("seed = true", "seed: must be a whole number"),
        ("idempotent = 1", "idempotent: must be true or false"),
        ("vendors = []", "vendors must not be empty"),
        ("vendors = 5", "vendors: must be a list"),
        ("vendors = [5]", r"vendors\[0\]: must be a table"),
        ("[[vendors]]\nid = 'v'", r"vendors\[0\].promo_codes: missing"),
        (
            "[[clients]]\nid = 'c'\nsecret = 5",
            r"clients\[0\].secret: must be a string",
        ),
        (
            "[[clients]]\nid = 'c'\nsecret = 's'\nscopes = 'abc'",
            r"clients\[0\].scopes: must be a list",
        ),
        ("rate_limit = true", "rate_limit: must be a table"),
        ("[rate_limit]\nburst = 0", "rate_limit: burst must be at least 1"),
        (
            "[rate_limit]\nbrust = 5",
            r"rate_limit: unknown: brust \(.*requests_per_minute, burst\)",
        ),
        ("[fault_rates]\nboom = 0.5", "'boom' must be one of"),
        ("[fault_rates]\n'empty@moon' = 0.5", "no operation 'moon'"),
        ("[fault_rates]\nempty = 2", "fault_rates.'empty' must be from 0"),
        (
            "[fault_rates]\nempty = 0.6\n'half@token' = 0.6",
            "of token add up to 1.2",
        ),
        ("[fault_rates]\nempty = '1'", r"\['empty'\]: must be a number"),
        ("invoice_on = 'never'", "invoice_on must be create or confirm"),
        *(
            (f"webhook = {{url = '{url}'}}", f"webhook: url must be {said}")
            for url, said in [
                ("", "a URL such as"),
                ("http://[", "a URL such as"),
                ("http://127.0.0.1:0/", "a URL such as"),
                ("https://me@shop.example", "a URL such as"),
                ("https://shop.example/a b", "a URL such as"),
                ("http://shop.example", "https; http is for loopback"),
                ("ftp://127.0.0.1/", "https; http is for loopback"),
            ]
        ),
        (
            "[webhook]\nurl = 'http://localhost/'\nauthorization = ' '",
            "webhook: authorization must be printable",
        ),
        (
            "[webhook]\nurl = 'http://localhost/'\nretries = -1",
            "webhook: retries must be 0 or more",
        ),
        (
            "[webhook]\nurl = 'http://localhost/'\nbackoff = inf",
            "webhook: backoff must be 0 or more",
        ),
        ("oops", "can't be read"),
    ],
)
def test_wrong_key_is_named(tmp_path: Path, text: str, said: str) -> None:
    """The message names the file and the key that is wrong."""
    with pytest.raises(ConfigurationError, match=f"sandbox.toml.*{said}"):
        read(tmp_path, text)


def test_each_answer_has_its_request_id(caller: Caller) -> None:
    """Each answer has its own id; an error repeats it."""
    answers = [caller.create(""), caller.create(), caller.log_in()]
    ids = [answer.headers["X-Request-Id"] for answer in answers]

    assert len(set(ids)) == 3
    assert ids[0] == content(answers[0])["error"]["request_id"]


def test_seed_repeats_the_ids() -> None:
    """The same seed gives the same ids; no seed, never the same."""

    def contract_id(seed: int | None) -> str:
        made = content(logged_in(seed=seed).create())
        found: str = made["id"]
        return found

    assert contract_id(7) == contract_id(7)
    assert contract_id(7) != contract_id(8)
    assert contract_id(None) != contract_id(None)


def test_environment_leads_here() -> None:
    """The variables name the vendor, the client and both URLs."""
    here = {
        "SESAMY_VENDOR_ID": "acme",
        "SESAMY_CLIENT_ID": "sandbox-client",
        "SESAMY_CLIENT_SECRET": "sandbox-secret",
        "SESAMY_BASE_URL": "https://api.sandbox.invalid",
        "SESAMY_TOKEN_URL": "https://token.sandbox.invalid/oauth/token",
    }

    assert here == Sandbox().environment()
    assert here | {
        "SESAMY_BASE_URL": "http://127.0.0.1:1",
        "SESAMY_TOKEN_URL": "http://127.0.0.1:1/oauth/token",
    } == Sandbox().environment("http://127.0.0.1:1/")


async def test_client_settings_lead_here() -> None:
    """A client that is made with them talks to this sandbox."""
    sandbox = Sandbox()
    settings = sandbox.client_settings()
    order = NewContract.from_dict(json.loads(ORDER))
    async with AsyncSesamy(**settings) as client:
        await client.contracts.create("SPRING-12", order, confirm=True)
    with Sesamy(**settings) as blocking:
        blocking.contracts.create("SPRING-12", order, confirm=True)

    assert 2 == len(sandbox.ledger.confirmed(ORDER_ID))


def test_reprs_hide_secrets_and_people(caller: Caller) -> None:
    """No repr shows a secret, a token or the data of a person."""
    answer = caller.create()
    request = SandboxRequest(
        method="POST",
        path=CREATE,
        query="email=ada@example.com",
        headers={"Authorization": f"Bearer {caller.token}"},
        body=b"ada@example.com",
    )
    (contract,) = caller.sandbox.ledger.contracts("A-1")
    shown = f"{answer!r} {request!r} {contract!r} {caller.config!r}"

    assert not any(
        hidden in shown for hidden in ("ada@", "sandbox-secret", caller.token)
    )


def rate(answer: Answer) -> tuple[str, str, str]:
    """Return what the headers say of the rate limit."""
    names = "Limit", "Remaining", "Reset"
    limit, remaining, reset = (
        answer.headers[f"X-RateLimit-{name}"] for name in names
    )
    return limit, remaining, reset


def test_rate_limit() -> None:
    """The burst is taken at once, the rest as places become free."""
    limit = Limit(requests_per_minute=30, burst=2)
    caller = logged_in(rate_limit=limit)
    answers = [caller.create() for _ in range(3)]
    caller.now += 1.5
    early = caller.create()
    caller.now += 0.5
    in_time = caller.create()
    now = int(START)

    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [
        ("30", "1", str(now + 2)),
        ("30", "0", str(now + 4)),
        ("30", "0", str(now + 4)),
    ] == [rate(answer) for answer in answers]
    assert error(answers[2]) == (429, "rate_limit_exceeded")
    assert [
        content(answer)["error"]["retry_after"]
        for answer in (answers[2], early)
    ] == [2, 1]
    assert in_time.status == 200
    assert caller.sandbox.ledger.requests("create", 429) == 2


def test_bucket_never_overflows() -> None:
    """An idle hour frees the burst and no more; time may go back."""
    caller = logged_in(rate_limit=Limit(requests_per_minute=60, burst=2))
    caller.create()
    caller.now += 3600
    first = caller.create()
    caller.now -= 7200
    second = caller.create()
    third = caller.create()

    assert [rate(first)[1], rate(second)[1]] == ["1", "0"]
    assert third.status == 429


def test_rate_limit_spares_the_token_endpoint() -> None:
    """Tokens are neither counted nor told about."""
    caller = logged_in(rate_limit=Limit(requests_per_minute=1, burst=1))
    answers = [caller.log_in() for _ in range(3)]

    assert {200} == {answer.status for answer in answers}
    assert not any("X-RateLimit-Limit" in each.headers for each in answers)
    assert rate(caller.create())[1] == "0"


@pytest.mark.parametrize(
    "settings", [{"rate_limit": None}, {"rate_limit_headers": False}]
)
def test_rate_limit_may_be_silent(settings: dict[str, Any]) -> None:
    """Without a limit, or if told so, no answer says anything of it."""
    caller = logged_in(**settings)
    caller.sandbox.faults.add("wait:7")
    told, usual = caller.create(), caller.create()

    assert (429, 200) == (told.status, usual.status)
    for answer in (told, usual):
        assert {"Content-Type", "X-Request-Id"} == set(answer.headers)
