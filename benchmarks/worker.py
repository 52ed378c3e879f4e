"""A process that runs one scenario: told on its input, prints the result."""

from __future__ import annotations

import json
import sys
from importlib import import_module
from typing import Any

from .machine import pin
from .task import Task


def main() -> None:
    """Run the scenario that is asked for."""
    task = Task.from_json(sys.stdin.read())
    pin(task.cores.client)
    if task.codec == "json":
        # As if it were not installed; nothing of ours is imported yet.
        sys.modules["orjson"] = None  # type: ignore[assignment]
    scenario: Any = import_module(f"benchmarks.scenarios.{task.scenario}")
    result = scenario.run(task)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
