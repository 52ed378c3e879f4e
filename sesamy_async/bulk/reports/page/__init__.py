"""A report as one page, to look at and to send to a colleague."""

from __future__ import annotations

from .facts import Facts
from .render import render
from .width import width_for


__all__ = ["Facts", "render", "width_for"]
