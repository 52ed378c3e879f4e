"""However the orders of an import end, nothing tells who it was."""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import attrs
import pytest

from sesamy_async.bulk import (
    Claim,
    Ending,
    InputFileError,
    JournalError,
    Mistaken,
    Sale,
)
from sesamy_async.bulk._rows import Row
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.journal._database import Store
from sesamy_async.bulk.reading._csv import CsvSource, Table
from sesamy_async.bulk.reports._files import Sheet
from sesamy_async.errors import SesamyError
from support.canaries import found_in
from support.sinks import SINKS, Left
from support.telltale import SCENES, Scene
from support.told_import import ToldImport


pytestmark = pytest.mark.usefixtures("loud")

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


@attrs.frozen
class Fault:
    """What is broken, and by what."""

    where: type[object]
    name: str
    by: Callable[..., object]


@pytest.mark.parametrize(
    ("fault", "ending"),
    [
        (Fault(Store, "_check_presence", BROKEN), Ending.JOURNAL),
        (Fault(Store, "_check_presence", FULL), Ending.JOURNAL),
        (Fault(Journal, "apply", raising(TypeError())), Ending.JOURNAL),
        (Fault(Table, "read", lambda *_: Mistaken(())), Ending.FILE),
    ],
)
async def test_breaks_while_it_sends(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
    ending: Ending,
) -> None:
    """What breaks inside shows no order, in no traceback."""

    def mend() -> None:
        monkeypatch.setattr(fault.where, fault.name, right)

    def spoil() -> None:
        monkeypatch.setattr(fault.where, fault.name, fault.by)

    right = getattr(fault.where, fault.name)
    told = ToldImport(tmp_path, sending=spoil, reporting=mend)
    summary = await told.run(SUCCESS)

    assert ending is summary.ending
    assert told.error is not None
    assert {} == leaks_of(told, caplog.text)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(Sheet, "add_as_is", FULL),
        Fault(Store, "read", raising(JournalError("It is broken."))),
        Fault(CsvSource, "records", raising(InputFileError("It is gone."))),
        Fault(CsvSource, "fingerprint", lambda _: "another"),
    ],
)
async def test_breaks_while_it_reports(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    fault: Fault,
) -> None:
    """Nor does a report that can't be written."""

    def spoil() -> None:
        monkeypatch.setattr(fault.where, fault.name, fault.by)

    told = ToldImport(tmp_path, reporting=spoil)
    with pytest.raises(SesamyError) as caught:
        await told.run(SUCCESS)
    told.error = caught.value

    assert {} == leaks_of(told, caplog.text)
