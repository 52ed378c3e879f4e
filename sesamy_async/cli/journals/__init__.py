"""``sesamy journal``: shown, settled, removed."""

from __future__ import annotations
