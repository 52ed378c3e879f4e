"""What a process of its own has to do, and how it is had done."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Self

import attrs

from .machine import Cores
from .payload import ROOT
from .scale import Scale


_FOREIGN = ("SESAMY_", "OPENAI_", "STRIPE_", "PYTHONDONTWRITEBYTECODE")


@attrs.frozen(kw_only=True)
class Task:
    """What a process of its own has to do.

    Attributes:
        scale: How much.
        cores: Where.
        program: The server in C; empty for the one in Python.
        before: A folder with an older `sesamy_async`; empty for none.
        scenario: The module in `scenarios`.
        codec: ``json`` or ``orjson``: the SDK's choice is made at its
            import, once for each process.
        number: Which process of the same kind it is.
        names: The contestants; none for all.
    """

    scale: Scale
    cores: Cores
    program: str = ""
    before: str = ""
    scenario: str = ""
    codec: str = "json"
    number: int = 0
    names: tuple[str, ...] = ()

    @property
    def seed(self) -> int:
        """Another one for each process, the same in each run."""
        return self.scale.seed + self.number

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a task."""
        data = json.loads(text)
        scale = data.pop("scale")
        scale["levels"] = tuple(scale["levels"])
        return cls(
            **{
                **data,
                "scale": Scale(**scale),
                "cores": Cores(**data["cores"]),
                "names": tuple(data["names"]),
            }
        )

    def to_json(self) -> str:
        """Write the task."""
        return json.dumps(attrs.asdict(self))

    def done(self) -> dict[str, Any]:
        """Have it done by a fresh process and return the result.

        Raises:
            RuntimeError: The process failed; its words are printed.
        """
        finished = subprocess.run(
            [sys.executable, "-m", "benchmarks.worker"],
            cwd=ROOT,
            env=environment(),
            input=self.to_json(),
            stdout=subprocess.PIPE,
            text=True,
            timeout=self.scale.patience,
            check=False,
        )
        if finished.returncode:
            raise RuntimeError(f"The scenario {self.scenario} failed.")
        result: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
        return result


def environment() -> dict[str, str]:
    """Return the environment without what would change the measurement."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN)
        and not name.lower().endswith("_proxy")
    }
