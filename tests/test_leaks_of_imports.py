"""An import leaves nothing personal or secret but where it must."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sesamy_async.sandbox import Client, Sandbox, SandboxConfig, running
from support.canaries import CANARIES, SECRET, found_in
from support.command_line import CommandLine
from support.sandbox_settings import lead_to


HEADER = (
    "externalOrderId,paymentProvider,paymentMethod,quantity,userData.email,"
    "userData.fullName,userData.phone,userData.birthday,vendorData.seller"
)
ROWS = 8
WRONG_ROW = 3
PERSONAL = {"email", "phone", "name", "birthday"}


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Serve a sandbox whose client has a secret to look for."""
    client = Client(id="canary", secret=SECRET)
    sandbox = Sandbox(SandboxConfig(clients=(client,)))
    with running(sandbox) as url:
        lead_to(sandbox, monkeypatch, url)
        yield sandbox


def write_orders(path: Path) -> None:
    """Write orders of one person, the second of which is wrong."""
    person = ",".join(
        CANARIES[name] for name in ("email", "name", "phone", "birthday")
    )
    lines = [
        f"L-{row},KLARNA,INVOICE,{'x' if row == WRONG_ROW else 1},{person},"
        f"{CANARIES['name']}"
        for row in range(2, ROWS + 2)
    ]
    path.write_text("\n".join([HEADER, *lines]), encoding="utf-8")


@pytest.mark.parametrize("confirm", ["separately", "at-once", "no"])
def test_nothing_but_the_rejected_report_tells_who_it_was(
    sesamy: CommandLine, sandbox: Sandbox, tmp_path: Path, confirm: str
) -> None:
    """Journal, reports, page and output hold ids, states and reasons."""
    orders = tmp_path / "orders.csv"
    write_orders(orders)
    sandbox.faults.add("status:422", on="create")
    sandbox.faults.add("drop-after", on="create")
    ran = sesamy(
        *("import", orders, "--promo", "SPRING-12", "--skip-invalid"),
        *("--confirm", confirm, "--concurrency", 1, "--no-token-cache"),
        *("--report", "page.html", "-vv"),
    )
    rejected = tmp_path / "orders.rejected.csv"
    told = {"output": f"{ran.out}{ran.err}"} | {
        path.name: path.read_bytes().decode("utf-8", "replace")
        for path in tmp_path.iterdir()
        if path.is_file() and path not in {orders, rejected}
    }

    assert ran.code in {3, 4}
    assert {"output", "page.html", "orders.csv.journal"} < set(told)
    assert {name: set() for name in told} == {
        name: found_in(text) for name, text in told.items()
    }
    assert PERSONAL == found_in(rejected.read_text(encoding="utf-8"))
    assert 0o600 == rejected.stat().st_mode & 0o777
