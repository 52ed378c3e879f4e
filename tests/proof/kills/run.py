"""One run of an import, as the command line would do it."""

from __future__ import annotations

import json
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import anyio
import attrs

from sesamy_async import AsyncSesamy, RetryPolicy, _creation
from sesamy_async._call import AnyioRuntime
from sesamy_async._call.anyio_runtime import AnyioEvent
from sesamy_async.bulk import Confirm, Ending, Importer, Source, Terms
from sesamy_async.bulk.check import check
from sesamy_async.bulk.journal import Journal, journal_path
from sesamy_async.bulk.reading import open_source
from support.sandbox_settings import arguments

from .job import Job
from .moments import Watch
from .planted import PLANT
from .watched import watch_commits, watch_requests, watch_steps


COMPLETE, LATER, FAILED = 0, 3, 4
"""The exit codes of a run."""

_PROMO = "SPRING-12"
_HASTE = 100.0
_LASTS = 0.2
_TIMEOUT = 30.0  # As it is by default.
_RETRY = RetryPolicy(attempts=3, base=0.001, budget=None)
_CODES = {
    Ending.COMPLETE: COMPLETE,
    Ending.OUTAGE: LATER,
    Ending.REFUSED: LATER,
}


@attrs.frozen(eq=False, repr=False)
class _HastyEvent(AnyioEvent):
    async def wait(self, seconds: float) -> bool:
        return await super().wait(seconds / _HASTE)


@attrs.frozen(eq=False, repr=False)
class _Hasty(AnyioRuntime):
    """Pauses after an outage are short here, as nobody has to be spared."""

    def now(self) -> float:
        return super().now() * _HASTE

    def event(self) -> AnyioEvent:
        return _HastyEvent()


def run(job: Job) -> int:
    """Import the file of a job, or go on with it.

    Returns:
        One of the exit codes above.
    """
    with nullcontext() if job.bug is None else PLANT[job.bug]():
        return anyio.run(partial(_import, job), backend=job.backend)


async def _import(job: Job) -> int:
    # Whoever was killed leaves its claims to the next run.
    _creation.REPEATABLE_LASTS = _LASTS
    _creation.CAREFUL_MARGIN = _LASTS - _TIMEOUT
    watch = Watch(Path(job.trace), job.moment, job.passage, job.delay)
    watch_requests(watch)
    source = open_source(job.orders)
    with _journal(job, source) as journal:
        async with AsyncSesamy(
            **arguments(job.settings),
            retry=_RETRY,
            rate_limit=None,
            idempotency=_store(job),
        ) as client:
            watch_commits(journal, watch)
            importer = Importer(
                client,
                source,
                journal,
                concurrency=job.concurrency,
                runtime=_Hasty(),
            )
            watch_steps(importer, watch)
            summary = await importer.run()
    job.summary.write_text(json.dumps(attrs.asdict(summary)))
    return _CODES.get(summary.ending, FAILED)


def _store(job: Job) -> str:
    return f"sqlite://{job.folder}/store.db" if job.store else "none"


def _journal(job: Job, source: Source) -> Journal:
    terms = Terms(
        source=source.name,
        fingerprint=source.fingerprint(),
        promo_code=_PROMO,
        vendor_id=job.settings["SESAMY_VENDOR_ID"],
        base_url=job.settings["SESAMY_BASE_URL"],
        confirm=Confirm(job.confirm),
        strays=job.strays,
    )
    path = journal_path(job.orders)
    if path.exists():
        journal = Journal.open(path)
        journal.agree(terms)
        return journal
    with check(source, promo_code=_PROMO) as checked:
        return Journal.create(path, terms, checked.planned())
