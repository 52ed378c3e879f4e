"""One import, killed by a plan, and run until it is complete."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import attrs

from sesamy_async.bulk import Confirm, Entry, State
from sesamy_async.bulk.journal import journal_path

from .job import LIMIT, Job
from .judge import Import, judged
from .moments import Moment, claimed, in_hand
from .orders import ORDERS, write_orders
from .peek import entries_of
from .plug import Plug
from .run import COMPLETE, LATER
from .served import Served
from .zygote import Zygote


_MOST_RUNS = 60


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        kills: How often it was killed, by where.
        in_hand: The creates that may have been under way, for each kill.
        strays: How many there are, by the ledger.
        unknown: How many orders a person has to look at.
        violations: How the promises were broken.
        torn: How often the power cut cost changes.
    """

    kills: Counter[Moment | None]
    in_hand: tuple[int, ...]
    strays: int
    unknown: int
    violations: tuple[str, ...]
    torn: int = 0


@attrs.define
class Campaign:
    """An import in the hands of a killer.

    Attributes:
        name: What violations are told under.
        job: What each run is told; a plan says where it ends.
        zygote: Runs it.
        sandbox: Where the orders go.
        plug: Pulled at each kill, if it is a power cut.
    """

    name: str
    job: Job
    zygote: Zygote
    sandbox: Served
    plug: Plug | None = None
    _torn: int = attrs.field(default=0, init=False)
    _kills: Counter[Moment | None] = attrs.field(
        factory=Counter[Moment | None], init=False
    )
    _in_hand: list[int] = attrs.field(factory=list[int], init=False)
    _claimed: int = attrs.field(default=0, init=False)
    _found: list[str] = attrs.field(factory=list[str], init=False)
    _intents: set[int] = attrs.field(factory=set[int], init=False)
    _runs: int = attrs.field(default=0, init=False)

    def carry_out(self, plan: Sequence[Job]) -> Outcome:
        """Kill it as planned, then let it complete, and judge."""
        write_orders(self.job.orders, self.name)
        self.sandbox.reset()
        before = self.sandbox.lost()
        complete = any(self._run(job) for job in plan)
        while not complete and self._runs < _MOST_RUNS:
            complete = self._run(self.job)
        if not complete:
            self._found.append(f"not complete after {self._runs} runs")
        entries = self._entries()
        confirm = Confirm(self.job.confirm)
        done = Import(
            confirm=confirm,
            repeatable=self.job.strays and confirm.repeatable,
            entries=entries,
            contracts=self.sandbox.ledger()["orders"],
            in_hand=sum(self._in_hand),
            claimed=self._claimed,
            lost=self.sandbox.lost() - before,
        )
        self._found += [*judged(done), *self._told(done)]
        return Outcome(
            kills=self._kills,
            in_hand=tuple(self._in_hand),
            strays=done.strays,
            unknown=done.unknown,
            violations=tuple(f"{self.name}: {each}" for each in self._found),
            torn=self._torn,
        )

    def _run(self, job: Job) -> bool:
        """Run it once; return whether it is complete."""
        self._runs += 1
        trace = Path(job.folder, f"trace-{self._runs}")
        ended = self.zygote.run(attrs.evolve(job, trace=str(trace)))
        passed = trace.read_text() if trace.exists() else ""
        rows = in_hand(passed)
        if ended.killed:
            if self.plug is not None:
                journal = journal_path(job.orders)
                self._torn += bool(self.plug.pull(journal, passed))
            self._kills[job.moment] += 1
            self._in_hand.append(len(rows))
            if job.store:
                # Each run has several orders at once.
                self._claimed += len(claimed(passed))
        hung = ended.killed and job.moment is None and job.after == LIMIT
        if hung or ended.code not in {COMPLETE, LATER}:
            self._note(job, "hung" if hung else f"ended with {ended.code}")
        self._look(job, rows if ended.killed else set())
        return not ended.killed and ended.code == COMPLETE

    def _look(self, job: Job, rows: set[int]) -> None:
        """Look at what a run has left, without touching it."""
        entries = self._entries()
        if entries and len(entries) != ORDERS:
            self._note(job, f"{len(entries)} rows in the journal")
        intents = {e.row for e in entries if e.state is State.INTENT}
        # A run may be killed before it has settled what one before left.
        if not intents <= rows | self._intents:
            self._note(job, f"{intents} intended, but {rows} in hand")
        self._intents = intents
        if len(rows) > job.concurrency:
            self._note(job, f"{rows} in hand at once")

    def _entries(self) -> list[Entry]:
        return entries_of(journal_path(self.job.orders))

    def _told(self, done: Import) -> list[str]:
        """Compare what the last run has told with what its journal says."""
        told = json.loads(self.job.summary.read_text())
        states = Counter(each.state for each in done.entries)
        counted = {
            "rows": ORDERS,
            str(done.confirm.goal).lower(): states[done.confirm.goal],
            "rejected": states[State.REJECTED],
            "unknown": states[State.UNKNOWN],
            "unprocessed": 0,
            "strays": done.noted_strays,
        }
        wrong = {name: told[name] for name in counted} != counted
        return [f"told {told}, but it is {counted}"] if wrong else []

    def _note(self, job: Job, text: str) -> None:
        self._found.append(f"run {self._runs} ({job}): {text}")
