"""The examples, run as processes against a sandbox that is served."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import attrs

from sesamy_async.sandbox import Sandbox


EXAMPLES = Path(__file__).parents[2] / "examples"
ORDER = (EXAMPLES / "order.json").read_text(encoding="utf-8")
ORDER_ID: str = json.loads(ORDER)["externalOrderId"]
# Of an order that is paid by card, no create makes an invoice: it may be sent
# again.
BY_CARD = json.dumps(
    {
        **json.loads(ORDER),
        "paymentProvider": "STRIPE",
        "paymentMethod": "CARD",
    }
)
PERSONAL = re.compile("Bergstr|astrid|Linn|413 04|46701740605", re.IGNORECASE)
PATIENCE = 120
# Of the service.
SHOP = {"SHOP_KEY": "shop-key", "WEBHOOK_SECRETS": "Bearer new,Bearer old"}
KEY = {"X-API-Key": SHOP["SHOP_KEY"]}


class Ended(NamedTuple):
    """What a process said."""

    code: int
    out: str
    err: str


@attrs.frozen
class Examples:
    """Runs examples, whose settings lead to a sandbox."""

    sandbox: Sandbox
    environment: Mapping[str, str]

    @contextmanager
    def started(
        self, *arguments: object, apart: bool = False
    ) -> Iterator[subprocess.Popen[str]]:
        """Run Python, and leave no process behind, whatever happens.

        With ``apart``, what it starts is in a process group with it.
        """
        with subprocess.Popen(  # noqa: S603 - what it runs is ours
            [sys.executable, "-Werror", *map(str, arguments)],
            env={**self.environment, "PYTHONUNBUFFERED": "1"},
            cwd=EXAMPLES,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=apart,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.kill()

    def run(self, *arguments: object, **variables: str) -> Ended:
        """Run an example to its end, with variables of its own."""
        more = attrs.evolve(
            self, environment={**self.environment, **variables}
        )
        with more.started(*arguments) as process:
            return wait_for(process)

    def once(self, *order_ids: str) -> bool:
        """Whether each order has exactly one confirmed contract."""
        confirmed = self.sandbox.ledger.confirmed
        return all(len(confirmed(each)) == 1 for each in order_ids)


def wait_for(process: subprocess.Popen[str]) -> Ended:
    """Return what a process said by its end."""
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for something that happens in another process."""
    until = time.monotonic() + PATIENCE / 4
    while not true():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)
