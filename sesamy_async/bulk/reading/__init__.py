"""Reading orders from a file: CSV and JSON Lines."""

from __future__ import annotations

from ._opening import open_source
from ._template import write_template


__all__ = ["open_source", "write_template"]
