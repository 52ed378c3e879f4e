"""Files as people have them, imported by the command and from Python."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeAlias
from unittest.mock import patch

import anyio

from proof.claim import Claim, Row, Scale
from sesamy_async import AsyncSesamy
from sesamy_async._cli.app import run
from sesamy_async.bulk import InputFileError, import_file
from sesamy_async.sandbox import Ledger, Sandbox, SandboxConfig, running
from support.odd_files import ODD_FILES, OddFile, flat
from support.sandbox_settings import arguments


PROMO = "SPRING-12"
Orders: TypeAlias = list[dict[str, Any]]


def _rows(scale: Scale) -> Iterator[Row]:
    chosen = ODD_FILES[:: max(1, len(ODD_FILES) // scale.runs)]
    found: dict[str, list[str]] = {}
    counts: dict[str, int] = {}
    for odd in chosen:
        kind = _kind(odd)
        counts[kind] = counts.get(kind, 0) + 1
        with TemporaryDirectory() as folder:
            problem = _problem(odd, Path(folder))
        if problem:
            found.setdefault(kind, []).append(f"{odd.name}: {problem}")
    for kind, count in counts.items():
        yield Row(
            what=kind,
            runs=count,
            violations=tuple(found.get(kind, ())),
            figure="each both ways",
            complete=len(chosen) == len(ODD_FILES),
        )


def _kind(odd: OddFile) -> str:
    if not odd.outcome.is_sent:
        return "refused, with a reason"
    told = odd.outcome.cleaned or odd.outcome.warned
    return "sent, with a note" if told else "sent as they are"


def _problem(odd: OddFile, folder: Path) -> str:
    """Import a file both ways; return what is wrong, if anything."""
    # The sandbox rejects orders of which nobody could log in.
    right: Orders = [
        {**each}
        for each in odd.outcome.orders
        if odd.outcome.is_sent and "userData.email" in each
    ]
    for way in (_from_python, _by_the_command):
        own = folder / way.__name__
        own.mkdir()
        try:
            made = way(odd, own, right)
        except Exception as error:  # noqa: BLE001 - any is a violation
            return f"{way.__name__.strip('_')}: {type(error).__name__}"
        if isinstance(made, str):
            return f"{way.__name__.strip('_')}: {made}"
        if made != right:
            return f"{way.__name__.strip('_')}: sent something else"
    return ""


def _from_python(odd: OddFile, folder: Path, right: Orders) -> Orders:
    return anyio.run(_imported, odd, folder, right)


async def _imported(odd: OddFile, folder: Path, right: Orders) -> Orders:
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    path, options = odd.write(folder)
    async with AsyncSesamy(
        **arguments(sandbox.environment()),
        transport=sandbox.transport(),
        rate_limit=None,
    ) as sesamy:
        # What it says is looked at elsewhere.
        with suppress(InputFileError):
            await import_file(sesamy, path, promo_code=PROMO, **options)
    return _made(sandbox.ledger, right)


def _by_the_command(odd: OddFile, folder: Path, right: Orders) -> Orders | str:
    sandbox = Sandbox(SandboxConfig(rate_limit=None))
    path, options = odd.write(folder)
    given = [
        str(it) for name in options for it in (f"--{name}", options[name])
    ]
    raw = io.BytesIO(), io.BytesIO()
    out, err = (
        io.TextIOWrapper(it, encoding="utf-8", write_through=True)
        for it in raw
    )
    with (
        running(sandbox) as url,
        patch.dict(os.environ, sandbox.environment(url)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = run(
            [
                *("import", str(path), "--promo", PROMO, "--json", *given),
                *("--idempotency", "none", "--no-token-cache"),
            ]
        )
    said, *other = (each.getvalue().decode() for each in raw)
    personal = [str(each.get("userData.email")) for each in right]
    if any(each in f"{said}{other}" for each in personal):
        return "shows cells"
    expected = 0 if odd.outcome.is_sent else 2
    if len(right) < len(odd.outcome.orders) and odd.outcome.is_sent:
        expected = 3
    if code != expected:
        return f"ended with {code}: {said}"
    return _made(sandbox.ledger, right)


def _made(ledger: Ledger, right: Orders) -> Orders:
    """Return the orders that have exactly one contract, a confirmed one."""
    ids = [each["externalOrderId"] for each in right]
    contracts = [ledger.contracts(each) for each in ids]
    once = [each[0] for each in contracts if len(each) == 1]
    extra: Orders = [{}] * (ledger.total - len(once))
    return [flat(each.order) for each in once if each.confirmed] + extra


CLAIM = Claim(
    name="odd-files",
    promise=(
        "Of each of the [files we tried](files-we-tried.md), the import sends "
        "exactly the right orders, or sends nothing and says why, both from "
        "Python and with the command."
    ),
    rows=_rows,
    runs=len(ODD_FILES),
    short=9,
)
