"""However an import ends, nothing tells who its customers are."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sesamy_async.bulk import (
    Ending,
    InputFileError,
    JournalError,
    Mistaken,
    Sale,
)
from sesamy_async.bulk._judge import Claim
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._database import Store
from sesamy_async.bulk.reading._table import RowReader, TableSource
from sesamy_async.bulk.reports._files import Sheet
from sesamy_async.errors import SesamyError
from sesamy_async.sandbox import Client, Sandbox, SandboxConfig, running
from support.canaries import SECRET, found_in
from support.command_line import CommandLine
from support.sandbox_settings import lead_to
from support.sinks import SINKS, Left
from support.telltale import SCENES, Scene
from support.told_import import ToldImport, write_orders


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


SUCCESS = SCENES[0]
DATA = (Claim, Row, Sale)
"""What a caller reads a file for: of these, only reprs must tell nothing."""


def leaks_of(told: ToldImport, logged: str) -> dict[str, set[str]]:
    """Return which canaries stand where they must not."""
    if told.error is not None:
        logging.getLogger("theirs").error("It failed.", exc_info=told.error)
    left = Left(
        error=told.error,
        objects=tuple(
            each for each in told.objects if not isinstance(each, DATA)
        ),
        logged=(logged,),
    )
    texts = {
        **told.texts,
        **{name: "\n".join(sink(left)) for name, sink in SINKS.items()},
        "reprs of data": f"{told.objects}",
    }
    found = {name: found_in(text) for name, text in texts.items()}
    return {name: canaries for name, canaries in found.items() if canaries}


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.what)
async def test_ends(
    scene: Scene, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever Sesamy answers: no file, log, repr or pickle has a canary."""
    told = ToldImport(tmp_path, timeout=0.2)
    await told.run(scene)

    assert {"orders.csv.journal-wal", "orders.problems.csv", "page.html"} < {
        *told.texts
    }
    assert {} == leaks_of(told, caplog.text)


def raising(error: Exception) -> Callable[..., None]:
    """Return what raises an error, whatever it is given."""

    def fault(*arguments: object) -> None:
        del arguments
        raise error

    return fault


FULL = raising(OSError(errno.ENOSPC, "No space left on device"))
BROKEN = raising(sqlite3.DatabaseError("the disk image is malformed"))


@pytest.mark.usefixtures("loud")
@pytest.mark.parametrize(
    ("where", "name", "by", "ending"),
    [
        (Store, "_check_presence", BROKEN, Ending.JOURNAL),
        (Store, "_check_presence", FULL, Ending.JOURNAL),
        (Journal, "apply", raising(TypeError()), Ending.JOURNAL),
        (RowReader, "read", lambda *_: Mistaken(()), Ending.FILE),
        # Then it can't report, which is an error.
        (Sheet, "add_as_is", FULL, None),
        (Store, "read", raising(JournalError("It is broken.")), None),
        (TableSource, "records", raising(InputFileError("It is gone.")), None),
        (TableSource, "fingerprint", lambda _: "another", None),
    ],
)
async def test_breaks(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    *,
    where: type[object],
    name: str,
    by: Callable[..., object],
    ending: Ending | None,
) -> None:
    """What breaks as it sends or reports shows no order, in no traceback."""

    def mend() -> None:
        monkeypatch.setattr(where, name, right)

    def spoil() -> None:
        monkeypatch.setattr(where, name, by)

    right = getattr(where, name)
    if ending is not None:
        told = ToldImport(tmp_path, sending=spoil, reporting=mend)
        assert ending is (await told.run(SUCCESS)).ending
    else:
        told = ToldImport(tmp_path, reporting=spoil)
        with pytest.raises(SesamyError) as caught:
            await told.run(SUCCESS)
        told.error = caught.value

    assert told.error is not None
    assert {} == leaks_of(told, caplog.text)
