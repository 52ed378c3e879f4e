"""A file is imported in one call, with the same end as by the command."""

from __future__ import annotations

import asyncio
import csv
import threading
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from shutil import copy
from typing import Any, cast

import anyio
import anyio.to_thread
import pytest

from sesamy_async import AsyncSesamy, ConfigurationError, Outcome, Sesamy
from sesamy_async.bulk import (
    Ending,
    FileSummary,
    Importer,
    InputFileError,
    Progress,
    import_file,
)
from sesamy_async.bulk._beside import mapping_beside
from sesamy_async.bulk.check import Checked
from sesamy_async.bulk.journal import Journal
from sesamy_async.bulk.reports import ReportError
from sesamy_async.errors import SesamyError
from sesamy_async.idempotency import MemoryStore
from sesamy_async.sandbox import Sandbox
from support.command_line import PROMO, CommandLine, orders_file
from support.examples import Examples
from support.import_world import World
from support.sandbox_settings import arguments


EXAMPLES = Path(__file__).parents[2] / "examples"
FILE = "sesamy_async.bulk._file"
COUNTS = ("rows", "done", "rejected", "unprocessed", "calls", "ending")
send = partial(import_file, promo_code="SPRING-12")


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """Write a file of three orders."""
    return orders_file(tmp_path / "orders.csv")


@pytest.fixture
async def sesamy_here(world: World) -> AsyncIterator[AsyncSesamy]:
    """Yield a client of a sandbox in this process."""
    async with world.client() as client:
        yield client


def left(folder: Path) -> dict[str, object]:
    """Return the files of an import, and what is in its reports.

    The contracts have other ids each time.
    """
    found = dict[str, object]()
    for path in folder.iterdir():
        found[path.name] = None
        if path.suffix == ".csv":
            # The file itself may have any encoding.
            text = path.read_text("utf-8-sig", errors="replace")
            comma = ";" if ";" in text else ","
            rows = csv.DictReader(text.splitlines(), delimiter=comma)
            found[path.name] = [{**row, "contractId": ""} for row in rows]
    return found


@pytest.mark.parametrize(
    ("name", "encoding", "confirm", "backend"),
    [
        ("orders-with-mistakes.csv", "utf-8", "no", "asyncio"),
        ("orders-with-mistakes.csv", "utf-8", "no", "trio"),
        ("orders-other-headers.csv", "cp1252", "at-once", "asyncio"),
        ("orders.jsonl", "utf-8", "separately", "asyncio"),
    ],
)
@pytest.mark.usefixtures("served")
def test_the_same_as_the_command(
    sesamy: CommandLine,
    tmp_path: Path,
    *,
    name: str,
    encoding: str,
    confirm: Any,
    backend: str,
) -> None:
    """The reports of the example files are the same with both."""
    paths = [tmp_path / "command" / name, tmp_path / "call" / name]
    for path in paths:
        path.parent.mkdir()
        copy(EXAMPLES / name, path)
        if "headers" in name:
            beside = path.with_name(f"{name}.mapping.toml")
            copy(EXAMPLES / "mapping.toml", beside)

    async def called() -> FileSummary:
        async with AsyncSesamy(idempotency=False) as client:
            return await send(
                client,
                paths[1],
                encoding=encoding,
                confirm=confirm,
                skip_invalid=True,
            )

    ran = sesamy(
        *("import", paths[0], *PROMO, "--skip-invalid"),
        *("--encoding", encoding, "--confirm", confirm),
        *("--idempotency", "none", "--json"),
    ).json
    summary = anyio.run(called, backend=backend)

    assert left(paths[0].parent) == left(paths[1].parent)
    assert summary.done
    assert {name: ran[name] for name in COUNTS} == {
        name: getattr(summary, name) for name in COUNTS
    }


def test_the_command_goes_on(
    sesamy: CommandLine, served: Sandbox, orders: Path
) -> None:
    """What the call has begun, the command completes, and back again."""

    async def called(first: int | None) -> FileSummary:
        async with AsyncSesamy(idempotency=False) as client:
            return await send(client, orders, first=first)

    begun = anyio.run(called, 1)
    ran = sesamy("import", orders, *PROMO, "--idempotency", "none")
    again = anyio.run(called, None)

    assert (1, Ending.FIRST) == (begun.done, begun.ending)
    assert "1 of 3 rows are processed" in ran.err
    assert 0 == ran.code
    assert (3, 0, Ending.COMPLETE) == (again.done, again.calls, again.ending)
    assert 3 == served.ledger.total


async def test_wrong_rows(sesamy_here: AsyncSesamy, orders: Path) -> None:
    """All problems are named, nothing was sent, and no journal is left."""
    orders_file(orders, wrong=3)
    with pytest.raises(InputFileError) as raised:
        await send(sesamy_here, orders)
    problem = "row 3, userData.email: must look like name@example.com"

    assert ((problem,), Outcome.NOT_SENT) == (
        raised.value.problems,
        raised.value.outcome,
    )
    assert "orders.csv.journal" not in left(orders.parent)


async def test_progress(
    world: World, sesamy_here: AsyncSesamy, orders: Path
) -> None:
    """It is told at the end at least; the page and the journal are named."""
    told: list[Progress] = []
    page, journal = world.folder / "page.html", world.folder / "j"
    summary = await send(
        sesamy_here,
        orders,
        progress=told.append,
        report=page,
        journal=journal,
    )

    assert (3, 3) == (told[-1].settled, summary.done)
    assert journal == summary.journal
    assert {page.name, journal.name} < left(world.folder).keys()
    assert {"confirmed": world.folder / "j.confirmed.csv"} == summary.reports


async def test_progress_that_fails(
    world: World, sesamy_here: AsyncSesamy, orders: Path
) -> None:
    """Its error is raised as it is, and the next call goes on."""

    def fail(_: Progress) -> None:
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        await send(sesamy_here, orders, progress=fail)
    summary = await send(sesamy_here, orders)

    assert 3 == summary.done == world.sandbox.ledger.total


@pytest.mark.parametrize("progress", [None, bool])
async def test_a_client_that_is_closed(
    world: World, orders: Path, progress: Callable[[Progress], object] | None
) -> None:
    """Its error is raised as it is."""
    async with world.client() as client:
        pass
    with pytest.raises(ConfigurationError, match="closed"):
        await send(client, orders, progress=progress)


def test_a_blocking_client(world: World, orders: Path) -> None:
    """A blocking client is refused, with what to do."""
    settings = world.sandbox.environment()
    with (
        Sesamy(**arguments(settings)) as client,
        pytest.raises(ConfigurationError) as raised,
    ):
        anyio.run(send, cast("AsyncSesamy", client), orders)

    assert "import_file needs an AsyncSesamy, not a Sesamy." in str(
        raised.value
    )


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"confirm": "x"}, 'confirm must be one of "separately", "at-once",'),
        ({"promo_code": ""}, "promo_code must be an id"),
        (
            {"report": "no/page.html"},
            "The import can't write no/page.html: there is no folder no. Ch",
        ),
        ({"concurrency": 0}, "concurrency must be a finite number, at least"),
        ({"first": 0}, "first must be a finite number, at least 1"),
        ({"first": True}, "first must be a whole number."),
    ],
)
async def test_impossible(
    sesamy_here: AsyncSesamy, orders: Path, how: dict[str, Any], said: str
) -> None:
    """A wrong argument is named, and nothing was sent."""
    given: dict[str, Any] = {"promo_code": "SPRING-12", **how}
    with pytest.raises(SesamyError) as raised:
        await import_file(sesamy_here, orders, **given)

    assert str(raised.value).startswith(said)
    assert Outcome.NOT_SENT is raised.value.outcome


def altered(orders: Path) -> Path:
    """Write a file with other data of the first order."""
    text = orders.read_text("utf-8").replace("kim1@", "kim9@")
    other = orders.with_name("other.csv")
    other.write_text(text, encoding="utf-8")
    return other


@pytest.mark.parametrize("strict", [True, False])
async def test_other_data(world: World, orders: Path, strict: bool) -> None:
    """Orders that were reported with other data stop it, if that is asked."""
    async with world.client(idempotency=MemoryStore()) as client:
        await send(client, orders)
        other = altered(orders)
        if strict:
            with pytest.raises(InputFileError, match="Correct them"):
                await send(client, other, strict=True)
        else:
            assert 3 == (await send(client, other)).already

    assert strict is ("other.csv.journal" not in left(orders.parent))
    assert 3 == world.sandbox.ledger.total


async def test_reports_that_fail(
    sesamy_here: AsyncSesamy, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was sent is returned all the same, with why they are missing."""

    def fail(*_: object, **__: object) -> None:
        raise ReportError("The disk is full.")

    monkeypatch.setattr(f"{FILE}.write_reports", fail)
    summary = await send(sesamy_here, orders)

    assert (3, {}) == (summary.done, summary.reports)
    assert str(summary.report_problem).startswith("The disk is full.")


async def test_the_loop_is_not_held(
    sesamy_here: AsyncSesamy, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the file is checked, other tasks run."""
    loop = threading.get_ident()
    threads = set[int]()

    def noted(work: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **options: Any) -> Any:
            threads.add(threading.get_ident())
            return work(*arguments, **options)

        return note

    for place in (f"{FILE}.open_source", f"{FILE}.check"):
        monkeypatch.setattr(place, noted(resolve_name(place)))
    monkeypatch.setattr(Journal, "create", noted(Journal.create))
    await send(sesamy_here, orders)

    assert threads
    assert loop not in threads


async def test_cancelled_while_it_is_checked(
    world: World,
    sesamy_here: AsyncSesamy,
    orders: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The check ends at its next rows, and leaves nothing."""
    entered, ended = threading.Event(), list[str]()

    def slow(*_: Any, on_rows: Any, **__: Any) -> Checked:
        entered.set()
        try:
            while True:
                time.sleep(0.01)
                on_rows(1)
        finally:
            ended.append("check")

    async with anyio.create_task_group() as group:
        with monkeypatch.context() as patched:
            patched.setattr(f"{FILE}.check", slow)
            group.start_soon(send, sesamy_here, orders)
            await anyio.to_thread.run_sync(entered.wait)
            group.cancel_scope.cancel()
    summary = await send(sesamy_here, orders)

    assert ["check"] == ended
    assert 3 == summary.done == world.sandbox.ledger.total


def test_a_cancelled_task_of_asyncio(
    world: World, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for its thread, which closes what it still opens."""
    entered, go_on, closed = (threading.Event() for _ in range(3))
    create, close = Journal.create, Journal.close

    def slow(*arguments: Any) -> Journal:
        entered.set()
        go_on.wait(10)
        return create(*arguments)

    def noted(journal: Journal) -> None:
        close(journal)
        closed.set()

    async def cancelled() -> FileSummary:
        async with world.client() as client:
            with monkeypatch.context() as patched:
                patched.setattr(Journal, "create", slow)
                patched.setattr(Journal, "close", noted)
                task = asyncio.create_task(send(client, orders))
                await asyncio.to_thread(entered.wait, 10)
                task.cancel()
                await asyncio.wait([task])
                assert task.cancelled()
                go_on.set()
                await asyncio.to_thread(closed.wait, 10)
            return await send(client, orders)

    assert 3 == asyncio.run(cancelled()).done


async def test_cancelled_when_the_journal_is_open(
    sesamy_here: AsyncSesamy, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is closed also if the thread has just ended."""
    run_sync = anyio.to_thread.run_sync

    async def late(work: Callable[[], object]) -> object:
        result = await run_sync(work)
        if result is None:
            raise RuntimeError("cancelled")
        return result

    with monkeypatch.context() as patched:
        patched.setattr(anyio.to_thread, "run_sync", late)
        with pytest.raises(RuntimeError, match="cancelled"):
            await send(sesamy_here, orders)

    assert 3 == (await send(sesamy_here, orders)).done


async def test_rows_that_say_all(
    world: World, sesamy_here: AsyncSesamy
) -> None:
    """Rows may name their promo code, and the format may be given."""
    path = world.folder / "orders"
    await anyio.Path(path).write_text(
        '{"externalOrderId": "A-1", "promoCode": "SPRING-12", "quantity": 1,'
        ' "paymentProvider": "KLARNA", "paymentMethod": "CARD",'
        ' "userData": {"email": "kim@example.com"}}'
    )
    summary = await import_file(sesamy_here, path, format="jsonl")

    assert 1 == summary.done == world.sandbox.ledger.total


async def test_cancelled_while_it_sends(
    world: World,
    sesamy_here: AsyncSesamy,
    orders: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The journal is closed, and the next call sends nothing twice."""
    run = Importer.run

    async def stopped(importer: Importer) -> Any:
        scope.cancel()
        return await run(importer)

    with anyio.CancelScope() as scope, monkeypatch.context() as patched:
        patched.setattr(Importer, "run", stopped)
        await send(sesamy_here, orders, progress=bool)
    summary = await send(sesamy_here, orders)

    assert 3 == summary.done == world.sandbox.ledger.total


@pytest.mark.parametrize(
    ("name", "mapping", "found"),
    [
        ("orders.csv", "orders.csv", True),
        ("orders.csv", "orders", False),
        ("orders.jsonl", "orders.jsonl", False),
        ("orders.rejected.csv", "orders.csv", True),
        ("orders.rejected.csv", "orders.rejected.csv", True),
        ("orders.rejected.2.csv", "orders.CSV", True),
        ("orders.rejected.rejected.csv", "orders.csv", True),
        ("orders.xlsx.rejected.xlsx", "orders.xlsx", True),
        ("orders.unknown.csv", "orders.csv", False),
    ],
)
def test_mapping_beside(
    tmp_path: Path,
    name: str,
    mapping: str,
    found: bool,
) -> None:
    """The mapping of a file is that of its reports of rejected rows too."""
    beside = tmp_path / f"{mapping}.mapping.toml"
    beside.touch()

    assert (beside if found else None) == mapping_beside(tmp_path / name)


def test_own_mapping_first(tmp_path: Path) -> None:
    """A report with a mapping of its own has that one."""
    names = ("orders.csv", "orders.rejected.csv")
    beside = [tmp_path / f"{name}.mapping.toml" for name in names]
    for each in beside:
        each.touch()

    assert beside[1] == mapping_beside(tmp_path / "orders.rejected.csv")


def test_a_sheet(
    world: World, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name of a sheet is passed on, if there is one."""
    given: list[dict[str, Any]] = []

    def opened(_: Path, **how: Any) -> None:
        given.append(how)
        raise InputFileError("x")

    async def called(sheet: str | None) -> None:
        async with world.client() as client:
            with pytest.raises(InputFileError):
                await send(client, orders, sheet=sheet)

    monkeypatch.setattr(f"{FILE}.open_source", opened)
    for sheet in ("June", None):
        anyio.run(called, sheet)

    assert ["June", None] == [each.get("sheet") for each in given]


def test_the_example(examples: Examples, orders: Path) -> None:
    """The example imports a file, and prints what became of it."""
    ended = examples.run("import_file.py", orders)

    assert (0, "") == (ended.code, ended.err)
    assert ended.out.endswith("3 of 3 rows\n3 of 3 are done: complete.\n")
    assert examples.once("T-1", "T-2", "T-3")
