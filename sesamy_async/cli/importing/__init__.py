"""``sesamy import``, from the check of a file to its reports."""

from __future__ import annotations
