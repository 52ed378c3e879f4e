"""What became of every row, for people and for spreadsheets."""

from __future__ import annotations

from ._files import ReportError
from ._places import Kind, Place, Reports
from ._writing import write_reports


__all__ = ["Kind", "Place", "ReportError", "Reports", "write_reports"]
