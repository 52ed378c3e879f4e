"""Terms as the journal keeps them."""

from __future__ import annotations

from cattrs.preconf.json import make_converter

from .terms import Terms


_converter = make_converter(detailed_validation=False)


def dump(terms: Terms) -> str:
    """Return them as JSON."""
    return _converter.dumps(terms)


def load(text: str) -> Terms | None:
    """Return what was dumped; None where it is damaged."""
    try:
        return _converter.loads(text, Terms)
    except (KeyError, TypeError, ValueError):
        return None
