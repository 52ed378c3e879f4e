"""The configuration of the sandbox says what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sesamy_async._call import Secret
from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import (
    Client,
    Limit,
    PromoCode,
    SandboxConfig,
    Vendor,
)


WHOLE = """
token_lifetime = 60
rate_limit_headers = false
idempotent = true
form_only = true
tokens_without_scope = true
unknown_tenant = true
seed = 5

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
    """Each attribute has its key in the file."""
    assert SandboxConfig(
        token_lifetime=60,
        rate_limit_headers=False,
        idempotent=True,
        form_only=True,
        tokens_without_scope=True,
        unknown_tenant=True,
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
    ) == read(tmp_path, WHOLE)


def test_secret_is_hidden(tmp_path: Path) -> None:
    """A secret from a file is a secret at once."""
    (client,) = read(tmp_path, WHOLE).clients

    assert Secret("hush") == client.secret
    assert "hush" not in repr(client)


def test_what_is_left_out_is_as_by_default(tmp_path: Path) -> None:
    """An empty file is the default configuration."""
    assert SandboxConfig() == read(tmp_path, "")


def test_rate_limit_can_be_turned_off(tmp_path: Path) -> None:
    """TOML has no null, so it is `false` that turns the limit off."""
    assert read(tmp_path, "rate_limit = false").rate_limit is None


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
        ("[fault_rates]\nboom = 0.5", "'boom' is none of"),
        ("[fault_rates]\n'empty@moon' = 0.5", "no 'moon'"),
        ("[fault_rates]\nempty = 2", "fault_rates.'empty' must be from 0"),
        (
            "[fault_rates]\nempty = 0.6\n'half@token' = 0.6",
            "of token add up to 1.2",
        ),
        ("[fault_rates]\nempty = '1'", r"\['empty'\]: must be a number"),
        ("oops", "can't be read"),
    ],
)
def test_wrong_key_is_named(tmp_path: Path, text: str, said: str) -> None:
    """The message names the file and the key that is wrong."""
    with pytest.raises(ConfigurationError, match=said) as caught:
        read(tmp_path, text)

    assert "sandbox.toml" in str(caught.value)


def test_all_wrong_keys_are_named(tmp_path: Path) -> None:
    """One reading tells of every value of a wrong type."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, 'seed = "x"\nidempotent = 5')

    assert "seed: must" in str(caught.value)
    assert "idempotent: must" in str(caught.value)


def test_message_shows_no_secret(tmp_path: Path) -> None:
    """A file that is wrong elsewhere keeps its secret."""
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, "[[clients]]\nsecret = 'hush'")

    assert "hush" not in str(caught.value)
    assert "[0].id: missing" in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    """A file that does not exist is a wrong setting."""
    with pytest.raises(ConfigurationError, match="can't be read"):
        SandboxConfig.from_toml(tmp_path / "none.toml")


@pytest.mark.parametrize(
    "settings",
    [
        {"clients": ()},
        {"token_lifetime": 0},
        {"fault_rates": {"empty": -0.1}},
    ],
)
def test_values_are_checked_in_code_too(settings: dict[str, Any]) -> None:
    """Values that are wrong in a file are wrong in code too."""
    with pytest.raises(ConfigurationError):
        SandboxConfig(**settings)
