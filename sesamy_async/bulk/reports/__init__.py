"""What became of every row, for people and for spreadsheets."""

from __future__ import annotations

from .errors import ReportError
from .kind import Kind
from .place import Place
from .reports import Reports
from .writing import write_reports


__all__ = ["Kind", "Place", "ReportError", "Reports", "write_reports"]
