"""Headers of an answer, and secrets."""

from __future__ import annotations

import copy
import pickle

import pytest

from sesamy_async import Headers, Secret
from sesamy_async.core.headers import merged


def test_found_in_any_case() -> None:
    """A header is found however it is written."""
    headers = Headers([("Retry-After", "3")])

    assert "3" == headers["RETRY-after"]
    assert "Retry-After" in headers
    assert None is headers.get("X")


def test_repeated() -> None:
    """Repeated headers are joined (RFC 9110, section 5.3)."""
    headers = Headers([("A", "1"), ("a", "2"), ("B", "3")])

    assert {"a": "1, 2", "b": "3"} == dict(headers)
    assert 2 == len(headers)


def test_repr_of_headers() -> None:
    """A repr shows names only."""
    assert "Headers(set-cookie)" == repr(Headers({"Set-Cookie": "CANARY"}))


def test_secret_shows_nothing() -> None:
    """A secret is in no repr, no str and no copy's repr."""
    secret = Secret("CANARY")
    shown = f"{secret} {secret!r} {copy.copy(secret)!r}"
    shown += repr(copy.deepcopy([secret]))

    assert "CANARY" not in shown
    assert "CANARY" == secret.reveal()


def test_secret_is_not_pickled() -> None:
    """Pickling a secret is refused, and says what to do."""
    with pytest.raises(TypeError, match="build the credentials"):
        pickle.dumps(Secret("x"))


def test_secrets_compare_by_value() -> None:
    """Equal secrets are equal, and hash so."""
    assert {Secret("a")} == {Secret(Secret("a"))}
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_merged() -> None:
    """A header replaces one of the same name in any case."""
    actual = merged({"User-Agent": "a", "X": "1"}, {"user-agent": "b"})

    assert {"X": "1", "user-agent": "b"} == actual
