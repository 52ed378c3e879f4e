"""A client that is closed stays closed."""

from __future__ import annotations

import pytest

from sesamy_async import ConfigurationError
from sesamy_async._call import Lifetime


def test_open() -> None:
    """A new client may open connections."""
    Lifetime().check()


def test_closed() -> None:
    """A closed one may not, and says what to do."""
    with pytest.raises(ConfigurationError) as caught:
        Lifetime(closed=True).check()

    assert "This client is closed; make a new one." == caught.value.args[0]
