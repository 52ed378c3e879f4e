"""The connections to Sesamy: the only home of httpx."""

from __future__ import annotations

from .settings import Connections


__all__ = ["Connections"]
