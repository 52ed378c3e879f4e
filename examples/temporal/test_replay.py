"""Workflows that were begun by an earlier version go on with this one.

Run ``python -m pytest temporal/test_replay.py``, in the folder above, before
you deploy a change.  A file in histories/ is what ``temporal workflow show
--workflow-id ... --output json`` prints: add some that run or are held.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from .codec import encrypting
from .workflow import OnboardOrder


HISTORIES = sorted(Path(__file__).parent.glob("histories/*.json"))
KEY = f"test:{b64encode(bytes(range(32))).decode()}"  # Of those here.


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
def test_replay(path: Path) -> None:
    """The workflow does again what it did."""
    history = WorkflowHistory.from_json(path.stem, path.read_text("utf-8"))
    keys = ",".join(filter(None, [KEY, os.environ.get("ORDER_KEYS")]))
    replayer = Replayer(
        workflows=[OnboardOrder], data_converter=encrypting(keys)
    )

    asyncio.run(replayer.replay_workflow(history))
