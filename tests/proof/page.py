"""Put sections into the page, so that it can't drift from the results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from .report import heading


BEGIN = "<!-- written by `nox -s proof`: begin -->"
END = "<!-- written by `nox -s proof`: end -->"
# The runs and the violations of a class.
_COUNTS = re.compile(r"^\| .+? \| ([\d,]+) \| ([\d,]+) \|", re.MULTILINE)
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
    sections = {name: new.get(name) or old[name] for name in names}
    parts = _summary(sections), *sections.values()
    body = "\n\n".join(each.strip() for each in parts if each)
    return f"{before}{BEGIN}\n\n{body}\n\n{END}{after}"


def _summary(sections: Mapping[str, str]) -> str:
    """Return how many runs there are, and which promises they broke."""
    counts = {
        name: [
            [int(cell.replace(",", "")) for cell in row]
            for row in _COUNTS.findall(text)
        ]
        for name, text in sections.items()
    }
    runs = sum(row[0] for rows in counts.values() for row in rows)
    broken = sum(row[1] for rows in counts.values() for row in rows)
    where = ", ".join(
        f"[{name}](#{name})"
        for name, rows in counts.items()
        if any(row[1] for row in rows)
    )
    if not runs:
        return ""
    if not broken:
        return f"None of {runs:,} runs broke a promise."
    return f"{broken:,} of {runs:,} runs broke a promise: see {where}."


def _of(name: str, kept: Sequence[str]) -> str:
    found = [each for each in kept if each.startswith(f"{heading(name)}\n")]
    return "".join(found)
