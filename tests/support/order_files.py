"""Small files of orders, and what they hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sesamy_async.bulk import Mistaken, Sale, Source
from sesamy_async.bulk.reading import open_source


def wrong(source: Source) -> list[str]:
    """Return all that is wrong with the rows."""
    read = map(source.read, source.records())
    return [
        str(problem)
        for found in read
        if isinstance(found, Mistaken)
        for problem in found.problems
    ]


def sales(source: Source) -> list[Sale]:
    """Return the sales of a file without mistakes."""
    assert [] == wrong(source)
    read = map(source.read, source.records())
    return [sale for sale in read if isinstance(sale, Sale)]


def orders(source: Source) -> list[dict[str, Any]]:
    """Return what is sent of a file without mistakes."""
    return [sale.order.to_dict() for sale in sales(source)]


class Folder:
    """Where a test writes its files."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, content: str | bytes, name: str = "orders.csv") -> Path:
        """Write a file, a text as UTF-8."""
        path = self.path / name
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(raw)
        return path

    def csv(self, *rows: str, **options: Any) -> Source:
        """Open a CSV file of these lines."""
        path = self.write("".join(f"{row}\n" for row in rows))
        return open_source(path, **options)

    def jsonl(self, *lines: object, **options: Any) -> Source:
        """Open a file of JSON Lines; what is no str is dumped."""
        texts = (
            line if isinstance(line, str) else json.dumps(line)
            for line in lines
        )
        path = self.write("".join(f"{it}\n" for it in texts), "orders.jsonl")
        return open_source(path, **options)
