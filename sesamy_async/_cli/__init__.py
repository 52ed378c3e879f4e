"""The command line: the command ``sesamy``."""

from __future__ import annotations

from .app import run


__all__ = ["run"]
