"""Compressed files, and JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from ._made import (
    AINO,
    BJORN,
    PEOPLE,
    TRIED,
    YLVA,
    OddFile,
    Outcome,
    as_it_is,
    csv,
    gzipped,
    sent,
    text,
    zipped,
)


def _orders(rows: Iterable[Any] = PEOPLE) -> list[dict[str, Any]]:
    """Return orders as JSON has them: objects in objects."""
    found: list[dict[str, Any]] = []
    for order in sent(*rows):
        made: dict[str, Any] = {}
        for path, value in order.items():
            *above, last = path.split(".")
            inner = made
            for each in above:
                inner = inner.setdefault(each, {})
            inner[last] = value
        found.append(made)
    return found


_LINES = [json.dumps(each, ensure_ascii=False) for each in _orders()]


COMPRESSED = (
    OddFile(
        "orders.csv.gz",
        "CSV that is compressed",
        TRIED,
        lambda: gzipped(csv()()),
        as_it_is(),
    ),
    OddFile(
        "export.zip",
        "a zip with one CSV, as billing systems export it",
        "https://apidocs.chargebee.com/docs/api/exports",
        lambda: zipped({"Subscriptions.csv": csv(encoding="cp1252")()}),
        as_it_is(),
    ),
    OddFile(
        "export-of-a-mac.zip",
        "a zip of a Mac, which adds a hidden file",
        TRIED,
        lambda: zipped(
            {"orders.csv": csv()(), "__MACOSX/._orders.csv": b"\0\5\x16\7"}
        ),
        as_it_is(),
    ),
    OddFile(
        "two-files.zip",
        "a zip with two files",
        TRIED,
        lambda: zipped({"nov.csv": csv()(), "dec.csv": csv()()}),
        Outcome(refused=("two-files.zip", "2 files")),
    ),
    OddFile(
        "cut.csv.gz",
        "a compressed file that was cut",
        TRIED,
        lambda: gzipped(csv()())[:-20],
        Outcome(refused=("cut.csv.gz",)),
    ),
)

JSON = (
    OddFile(
        "array.json",
        "a JSON array",
        TRIED,
        lambda: json.dumps(_orders(), indent=2).encode(),
        as_it_is(),
    ),
    OddFile(
        "array-with-bom.json",
        "a JSON array behind a byte order mark",
        "https://github.com/cityjson/cjio/issues/21",
        lambda: json.dumps(_orders()).encode("utf-8-sig"),
        as_it_is(),
    ),
    OddFile(
        "bom.jsonl",
        "JSON Lines behind a byte order mark",
        "https://github.com/infiniflow/ragflow/issues/19179",
        text(_LINES, "utf-8-sig"),
        as_it_is(),
    ),
    OddFile(
        "blank-lines.jsonl",
        "JSON Lines with blank lines, and one line that is cut",
        TRIED,
        text([_LINES[0], "", _LINES[1][:-30], _LINES[2]]),
        Outcome(orders=sent(YLVA, AINO), wrong={(3, ""): "not JSON: broken"}),
    ),
    OddFile(
        "number-as-id.jsonl",
        "JSON Lines in which an id is a number",
        TRIED,
        text([_LINES[0], _LINES[1].replace(f'"{BJORN["id"]}"', "1002")]),
        Outcome(
            orders=sent(YLVA), wrong={(2, "externalOrderId"): "must be|text"}
        ),
    ),
)

CONTAINERS = (*COMPRESSED, *JSON)
