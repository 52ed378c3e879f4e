"""Put sections into the page, so that it can't drift from the results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .report import heading


BEGIN = "<!-- written by `nox -s proof`: begin -->"
END = "<!-- written by `nox -s proof`: end -->"
PATH = Path(__file__).parents[2] / "docs" / "reliability.md"


def with_sections(
    page: str, new: Mapping[str, str], names: Sequence[str]
) -> str:
    """Return the page with these sections instead of the old ones.

    Args:
        page: As it was.
        new: Sections by the names of their claims.
        names: Of all claims, in the order of the page; what is not new
            stays as it was.
    """
    before, _, rest = page.partition(BEGIN)
    between, _, after = rest.partition(END)
    kept = re.split(r"^(?=### )", between, flags=re.MULTILINE)[1:]
    old = {name: _of(name, kept) for name in names}
    sections = [new.get(name) or old[name] for name in names]
    body = "\n\n".join(each.strip() for each in sections if each)
    return f"{before}{BEGIN}\n\n{body}\n\n{END}{after}"


def _of(name: str, kept: Sequence[str]) -> str:
    found = [each for each in kept if each.startswith(f"{heading(name)}\n")]
    return "".join(found)
