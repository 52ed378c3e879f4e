"""What is kept of a run, as JSON."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs

from .floor import checks
from .goals import goals
from .machine import machine, versions
from .scale import Scale


SCHEMA = 1
_NUMBERS = re.compile(r"\[[-\d.,\se]+\]")


def document(
    scale: Scale, measured: Any, seconds: float, notes: list[str]
) -> dict[str, Any]:
    """Return all that is kept of a run.

    Args:
        scale: How much was measured.
        measured: By `plan.measure`.
        seconds: How long it took.
        notes: What was left out, and why.
    """
    measured = rounded(measured)
    return {
        "schema": SCHEMA,
        "date": datetime.now(UTC).date().isoformat(),
        "seconds": round(seconds),
        "scale": attrs.asdict(scale),
        "machine": machine(),
        "versions": versions(),
        "notes": notes,
        "goals": [
            {**rounded(attrs.asdict(goal)), "reached": goal.reached}
            for goal in goals(measured, scale.cancellations)
        ],
        "server": [
            {**rounded(attrs.asdict(check)), "fine": check.fine}
            for check in checks(measured)
        ],
        "measured": measured,
    }


def write(path: Path, kept: dict[str, Any]) -> None:
    """Write it, a series on a line."""
    text = json.dumps(kept, indent=1, ensure_ascii=False)
    text = _NUMBERS.sub(lambda found: " ".join(found[0].split()), text)
    path.write_text(f"{text}\n", encoding="utf-8")


def read(path: Path) -> dict[str, Any]:
    """Read what was kept."""
    kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return kept


def rounded(value: Any) -> Any:
    """Keep five digits: all else is noise."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, list):
        return [rounded(each) for each in value]
    if isinstance(value, dict):
        return {name: rounded(each) for name, each in value.items()}
    return value
