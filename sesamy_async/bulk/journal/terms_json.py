"""Terms as the journal keeps them."""

from __future__ import annotations

from cattrs.preconf.json import make_converter

from .terms import Terms


_converter = make_converter()


def dump(terms: Terms) -> str:
    """Return them as JSON."""
    return _converter.dumps(terms)


def load(text: str) -> Terms:
    """Return what was dumped."""
    return _converter.loads(text, Terms)
