"""Reading orders from a file: CSV and JSON Lines."""

from __future__ import annotations

from .opening import open_source


__all__ = ["open_source"]
