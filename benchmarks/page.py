"""Put the tables into the page, so that it can't drift from the results."""

from __future__ import annotations

from pathlib import Path


BEGIN = "<!-- written by `python -m benchmarks`: begin -->"
END = "<!-- written by `python -m benchmarks`: end -->"


def with_tables(page: str, tables: str) -> str:
    """Return the page with other tables between its markers."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{tables}\n{END}{after}"


def update(path: Path, tables: str) -> None:
    """Write the tables into the page."""
    page = path.read_text(encoding="utf-8")
    path.write_text(with_tables(page, tables), encoding="utf-8")
