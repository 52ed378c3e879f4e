"""The claim about broken connections would not hold of a worse SDK."""

from __future__ import annotations

from itertools import pairwise

import attrs
import pytest

from proof.claim import Scale
from proof.site import TUNNELS, Site, Way, serving
from proof.wire import in_http
from proof.wire.sizes import Sizes
from proof.wire.trial import rows_of
from sesamy_async import Outcome, RetryPolicy
from sesamy_async._call import explain
from support.ports import closed_port
from support.proxy import Side


[BROKEN] = [
    cause
    for cause in in_http.CAUSES
    if cause.what == "answer broken off at any byte"
]
SCALE = Scale(runs=20, seed=1)
HANDSHAKE = 500  # Bytes that TLS needs at least, on each side.
WAYS = pytest.mark.parametrize("way", [Way.HTTP, Way.TLS_CONNECT])


@WAYS
def test_it_sees_an_order_doubled(way: Way) -> None:
    """Whoever sends again what may have been done is found out."""
    careless = RetryPolicy(base=0.0, resend_unknown=True)
    cause = attrs.evolve(BROKEN, settings=lambda _: {"retry": careless})
    [row] = rows_of(way, (cause,), SCALE)

    assert "2 contracts" in " ".join(row.violations)


@WAYS
def test_it_sees_a_false_outcome(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever says that nothing was sent, where it was, is found out."""
    monkeypatch.setattr(
        explain, "outcome_of_failure", lambda _: Outcome.REFUSED
    )
    cause = attrs.evolve(BROKEN, expected=frozenset(Outcome))
    [row] = rows_of(way, (cause,), SCALE)

    assert "REFUSED with 1 contracts" in " ".join(row.violations)


@pytest.mark.parametrize(("slow", "violations"), [(1, 0), (2, 1)])
def test_it_tells_want_of_time_from_what_is_broken(
    slow: int, violations: int
) -> None:
    """A machine that was slow does better with more time."""
    tries = iter(range(2))

    def settings(_: Site) -> dict[str, str]:
        return {} if next(tries) >= slow else {"base_url": nobody}

    with closed_port() as port:
        nobody = f"http://127.0.0.1:{port}"
        cause = attrs.evolve(
            BROKEN, timeouts=(20.0, 20.0), settings=settings, warm=False
        )
        [row] = rows_of(Way.HTTP, (cause,), attrs.evolve(SCALE, runs=1))

    assert violations == len(row.violations)


@pytest.mark.parametrize(
    ("way", "layers"),
    [
        (Way.HTTP, [False, False]),
        (Way.HTTPS, [False, True]),
        (Way.CONNECT, [False, True]),
        (Way.TLS_CONNECT, [True, True]),
    ],
)
@pytest.mark.parametrize("side", Side)
def test_where_a_fault_can_strike(
    way: Way, layers: list[bool], side: Side
) -> None:
    """TLS to the proxy, and that to Sesamy, have bytes of their own."""
    with serving(way, 1) as site:
        sizes = Sizes.of(site)
    counted = sizes.wire[side], sizes.hop[side], sizes.http[side]

    assert layers == [a > b + HANDSHAKE for a, b in pairwise(counted)]
    assert (way in TUNNELS) == (sizes.connect > 0)
