"""A fault can be written as a word, and what is none is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sesamy_async.errors import ConfigurationError
from sesamy_async.sandbox import Fault


ANY_FAULT = st.one_of(
    st.builds(Fault.status, st.integers(200, 599), applied=st.booleans()),
    st.builds(Fault.html, st.integers(200, 599), applied=st.booleans()),
    st.builds(Fault.wait, st.integers(0, 999)),
    st.builds(Fault.delay, st.sampled_from([0.0, 0.25, 2.5, 30.0])),
    st.sampled_from(
        [
            Fault.drop_before(),
            Fault.drop_after(),
            Fault.half(),
            Fault.malformed(),
            Fault.no_rate_headers(),
            Fault.empty(),
        ]
    ),
)


@given(ANY_FAULT)
def test_text_of_a_fault_reads_back(fault: Fault) -> None:
    """Every fault can be written down and read again."""
    assert fault == Fault.parse(str(fault))


def test_html_is_a_502_unless_told() -> None:
    """The page of HTML needs no status."""
    assert Fault.html(502) == Fault.parse("html")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("explode", "none of: status, wait"),
        ("", "none of"),
        ("status", "needs a number"),
        ("empty:5", "takes no number"),
        ("half+applied", "takes no .applied"),
        ("status:99", "from 200 to 599, not 99"),
        ("status:503.5", "must be whole"),
        ("wait:1.5", "must be whole"),
        ("html:600", "from 200 to 599"),
    ],
)
def test_wrong_faults_are_refused(text: str, said: str) -> None:
    """What is no fault is refused in words that help."""
    with pytest.raises(ConfigurationError, match=said):
        Fault.parse(text)


@pytest.mark.parametrize("seconds", [-1, float("inf"), float("nan")])
def test_time_of_a_fault_is_finite(seconds: float) -> None:
    """No fault waits for ever, or goes back in time."""
    with pytest.raises(ConfigurationError, match="0 or more"):
        Fault.delay(seconds)
