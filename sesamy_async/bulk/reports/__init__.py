"""What became of every row, for people and for spreadsheets."""

from __future__ import annotations

from sesamy_async.bulk._states import Kind

from ._files import ReportError, ReportPaths, Reports
from ._writing import write_reports


__all__ = ["Kind", "ReportError", "ReportPaths", "Reports", "write_reports"]
