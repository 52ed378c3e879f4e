"""The command line, run in this process."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import attrs
import pytest

from sesamy_async._cli import run
from sesamy_async.sandbox import Sandbox


ORDER = Path(__file__).parents[2] / "examples" / "order.json"
ORDER_ID = "A-2026-004711"
PROMO = ("--promo", "SPRING-12")
ORDERS = Path("orders.csv")
IMPORT = ("import", str(ORDERS), *PROMO)
CREATE = ("contract", "create", str(ORDER), *PROMO)
ONBOARD = ("onboard", str(ORDER), *PROMO)
FIELDS = ("externalOrderId", "paymentProvider", "paymentMethod", "quantity")
# Of the orders that are written here, and of the one in `ORDER`.
PERSONAL = (
    *("kim", "åberg", "example.se"),
    *("astrid", "bergstr", "bokhandeln", "linnégatan"),
    *("+4670", "sandbox-secret"),
)


class Ran(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)


@attrs.frozen
class CommandLine:
    """Runs commands, none of which may tell anything personal."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> Ran:
        """Run one."""
        code = run([*map(str, arguments)])
        out, err = self.capsys.readouterr()
        told = f"{out}{err}".lower()

        assert [] == [word for word in PERSONAL if word in told]
        return Ran(code, out, err)


def own_store() -> Path:
    """Return where the command keeps its store of orders by default."""
    return Path(os.environ["XDG_STATE_HOME"], "sesamy", "orders.db")


def once(sandbox: Sandbox, count: int) -> bool:
    """Whether each order has one contract, which is confirmed."""
    return all(
        [True] == [each.confirmed for each in sandbox.ledger.contracts(order)]
        for order in (f"T-{number}" for number in range(1, count + 1))
    )


def orders_file(
    path: Path = ORDERS, count: int = 3, *, wrong: int | None = None
) -> Path:
    """Write a file of orders."""
    header = [*FIELDS, "userData.email", "userData.fullName"]
    lines = [",".join(header)]
    for number in range(1, count + 1):
        at = "(at)" if number + 1 == wrong else "@"
        row = {
            "externalOrderId": f"T-{number}",
            "paymentProvider": "KLARNA",
            "paymentMethod": "CARD",
            "quantity": "1",
            "userData.email": f"kim{number}{at}example.se",
            "userData.fullName": "Kim Åberg",
        }
        lines.append(",".join(row[name] for name in header))
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def mend(path: Path) -> str:
    """Correct the rows of a rejected report, and return its text."""
    text = path.read_text("utf-8-sig").replace("(at)", "@")
    path.write_text(text, encoding="utf-8-sig")
    return text
