"""What lists operations lists all of them."""

from __future__ import annotations

from sesamy_async import otel
from sesamy_async.sandbox import Endpoint
from sesamy_async.testing import _sandbox


CALLS = {
    each.value
    for each in Endpoint
    if each not in {Endpoint.TOKEN, Endpoint.OTHER}
}


def test_each_call_has_a_template() -> None:
    """A span of each call says which path it has."""
    assert {f"contracts.{each}" for each in CALLS} == set(otel._TEMPLATES)


def test_each_endpoint_has_a_route() -> None:
    """A test can count the requests to each endpoint."""
    assert [each.value for each in Endpoint] == list(_sandbox._ROUTES)
