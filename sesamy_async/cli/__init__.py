"""The command line: the command ``sesamy``."""

from __future__ import annotations

from .run import run


__all__ = ["run"]
