"""An import leaves nothing personal or secret but where it must."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sesamy_async.sandbox import Client, Sandbox, SandboxConfig, running
from support.canaries import SECRET, found_in
from support.command_line import CommandLine
from support.sandbox_settings import lead_to
from support.told_import import write_orders


ROWS = 8
PERSONAL = {"email", "phone", "name", "birthday"}


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Serve a sandbox whose client has a secret to look for."""
    client = Client(id="canary", secret=SECRET)
    sandbox = Sandbox(SandboxConfig(clients=(client,)))
    with running(sandbox) as url:
        lead_to(sandbox, monkeypatch, url)
        yield sandbox


@pytest.mark.parametrize("confirm", ["separately", "at-once", "no"])
def test_nothing_but_the_rejected_report_tells_who_it_was(
    sesamy: CommandLine, sandbox: Sandbox, tmp_path: Path, confirm: str
) -> None:
    """Journal, reports, page and output hold ids, states and reasons."""
    orders = tmp_path / "orders.csv"
    write_orders(orders, ROWS)
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


@pytest.mark.parametrize("output", [(), ("--json",)], ids=["text", "json"])
def test_no_command_tells_who_it_was(
    sesamy: CommandLine,
    sandbox: Sandbox,
    tmp_path: Path,
    output: tuple[str, ...],
) -> None:
    """A refusal, a rehearsal and the journal's commands tell no more."""
    orders = tmp_path / "orders.csv"
    write_orders(orders, ROWS)
    sandbox.faults.add("drop-after", times=2, on="create")
    found = tmp_path / "found.csv"
    found.write_text("externalOrderId,contractId\nL-2,c\nL-9,\n")
    same = ("import", orders, "--promo", "SPRING-12", "--no-token-cache")
    ran = [
        sesamy(*each, *output, "-vv")
        for each in (
            same,
            (*same, "--skip-invalid", "--dry-run"),
            (*same, "--skip-invalid", "--confirm", "at-once", "--patience=1"),
            (*same, "--skip-invalid"),
            ("journal", "show", orders),
            ("journal", "resolve", orders, "--from", found),
            ("journal", "reconcile", orders, "--lookup", "sandbox"),
            ("journal", "purge", orders),
        )
    ]

    assert {0, 2} < {each.code for each in ran}
    assert set() == found_in("".join(f"{each.out}{each.err}" for each in ran))
