"""The terms that a journal was begun with."""

from __future__ import annotations

from .store import Store
from .terms import Terms
from .terms_json import load
from .trouble import damaged


def terms_in(store: Store) -> Terms:
    """Return them.

    Raises:
        JournalError: They are damaged, or can't be read.
    """
    kept = store.read("SELECT json FROM terms")
    terms = load(*kept[0]) if kept else None
    if terms is None:
        raise damaged(store.path)
    return terms
