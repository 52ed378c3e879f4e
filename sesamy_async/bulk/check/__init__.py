"""Looking at a whole file before anything of it is sent."""

from __future__ import annotations

from .alike import Alike
from .checked import Checked
from .checking import check
from .problems_file import write_problems
from .related import related_journals


__all__ = [
    "Alike",
    "Checked",
    "check",
    "related_journals",
    "write_problems",
]
