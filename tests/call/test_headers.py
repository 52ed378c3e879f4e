"""Headers of an answer, and secrets."""

from __future__ import annotations

import copy
import pickle

import pytest

from sesamy_async import Headers, Secret
from sesamy_async._headers import merged


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
    headers = Headers({"Set-Cookie": "CANARY", "X": "y"})

    assert "Headers(set-cookie, x)" == repr(headers)


def test_secret_shows_nothing() -> None:
    """A secret is in no repr, no str and no copy's repr."""
    secret = Secret("CANARY")
    shown = f"{secret} {secret!r} {copy.copy(secret)!r}"
    shown += repr(copy.deepcopy([secret]))

    assert "CANARY" not in shown
    assert "Secret('***')" == str(secret)
    assert "CANARY" == secret.reveal()


def test_secret_is_not_pickled() -> None:
    """Pickling a secret is refused, and says what to do."""
    with pytest.raises(TypeError) as caught:
        pickle.dumps(Secret("x"))

    assert (
        "A secret is not pickled; build the credentials in the process that "
        "uses them."
    ) == str(caught.value)


def test_hidden() -> None:
    """What is there is hidden; what is not there stays away."""
    assert Secret("x") == Secret.hide("x")
    assert None is Secret.hide(None)


def test_hash() -> None:
    """The hash is that of the value, so sets of many stay fast."""
    assert hash(Secret("a")) == hash(Secret("a")) != hash(Secret("b"))


def test_secrets_compare_by_value() -> None:
    """Equal secrets are equal, and hash so."""
    assert {Secret("a")} == {Secret(Secret("a"))}
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_merged() -> None:
    """A header replaces one of the same name in any case."""
    actual = merged({"User-Agent": "a", "X": "1"}, {"user-agent": "b"})

    assert {"X": "1", "user-agent": "b"} == actual
