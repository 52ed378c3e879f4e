"""A command that is ended before its time, and given until it completes."""

from __future__ import annotations

import json
import signal
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from sesamy_async._cli.output import ExitCode
from sesamy_async.bulk import Entry, State

from .in_hand import Hand, left_over
from .judge import Import, judged
from .peek import entries_of
from .served import Served
from .shell import CONCURRENCY, ORDERS, End, Ran, Shell


_MOST_RUNS = 40
_ENDED = {ExitCode.DONE, ExitCode.REJECTED, ExitCode.LOOK}
_SIGNALLED = {-signal.SIGINT, -signal.SIGTERM, ExitCode.INTERRUPTED}
# orjson 3.13 ends so where Ctrl-C comes while it is loaded.
_LOADING = {-signal.SIGSEGV}
# What Python says where Ctrl-C comes before it runs any program.
_UNSTARTED = "Fatal Python error: init_import_site"


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        codes: How often it was ended, by its exit code.
        strays: How many there are, by the ledger.
        unknown: How many orders a person has to look at.
        violations: How the promises were broken.
    """

    codes: Counter[int]
    strays: int
    unknown: int
    violations: tuple[str, ...]


@attrs.define
class Siege:
    """A command in the hands of somebody who ends it.

    Attributes:
        name: What violations are told under.
        shell: Gives it.
        sandbox: Where the orders go.
    """

    name: str
    shell: Shell
    sandbox: Served
    _codes: Counter[int] = attrs.field(factory=Counter[int], init=False)
    _found: list[str] = attrs.field(factory=list[str], init=False)
    _hand: Hand = attrs.field(factory=lambda: Hand({}), init=False)

    def carry_out(self, plan: Iterable[End]) -> Outcome:
        """End it as planned or until it completes, and judge."""
        self.shell.write_orders(self.name)
        self.sandbox.reset()
        for end in plan:
            if self._run(end).code in _ENDED:
                break
        ran = self._completed()
        done = self._import()
        found = [*self._found, *self._judged(ran, done)]
        return Outcome(
            codes=self._codes,
            strays=done.strays,
            unknown=done.unknown,
            violations=tuple(f"{self.name}: {each}" for each in found),
        )

    def _completed(self) -> Ran:
        for _ in range(_MOST_RUNS):
            ran = self.shell.run()
            if ran.code in _ENDED:
                break
            self._found.append(f"ended with {ran.code}: {ran.err}")
        return ran

    def _run(self, end: End) -> Ran:
        before, ledger = Hand.of(self.shell.folder), self.sandbox.ledger()
        ran = self.shell.run(end)
        if ran.code not in _ENDED:
            self._codes[ran.code] += 1
        entries = entries_of(self.shell.journal)
        after = Hand.of(self.shell.folder)
        wrong = [*after.torn(before, entries, self.shell.confirm)]
        if ran.code != -signal.SIGKILL:
            sent = ledger != self.sandbox.ledger()
            wrong += unsaid(ran, entries, sent=sent)
        self._found += [f"{end}: {each}" for each in wrong]
        return ran

    def _import(self) -> Import:
        """Return what came of it, but for the row that can't be sent."""
        confirm = self.shell.confirm
        entries = entries_of(self.shell.journal)
        return Import(
            confirm=confirm,
            repeatable=confirm.repeatable,
            entries=[e for e in entries if e.state is not State.REJECTED],
            contracts=self.sandbox.ledger()["orders"],
            # From outside nobody sees how many were in hand at a kill.
            in_hand=CONCURRENCY * self._codes[-signal.SIGKILL],
        )

    def _judged(self, ran: Ran, done: Import) -> Iterator[str]:
        yield from judged(done)
        entries = entries_of(self.shell.journal)
        wrong = Hand.of(self.shell.folder).untrue(entries, done.confirm)
        yield from wrong
        if (len(entries), len(done.entries)) != (ORDERS + 1, ORDERS):
            yield f"{len(done.entries)} of {len(entries)} rows can be sent"
        expected = ExitCode.LOOK if done.unknown else ExitCode.REJECTED
        if ran.code != expected:
            yield f"it ended with {ran.code}: {ran.out}{ran.err}"
        yield from _miscounted(json.loads(ran.out), entries)
        if left := left_over(self.shell.folder):
            yield f"{left} are left over"


def unsaid(ran: Ran, entries: list[Entry], *, sent: bool) -> Iterator[str]:
    """Yield what a run that was not killed should have said, or done."""
    known = _ENDED | _SIGNALLED | (set() if sent else _LOADING)
    started = sent or not ran.err.startswith(_UNSTARTED)
    if started and ran.code not in known:
        yield f"it ended with {ran.code}: {ran.err}"
    told: dict[str, Any] = json.loads(ran.out) if ran.out else {}
    if "rows" in told:
        yield from _miscounted(told, entries)
    elif sent:
        yield f"it has sent something, and said {ran.out!r}, {ran.err!r}"
    in_doubt = sum(each.state is State.INTENT for each in entries)
    if sent and in_doubt:
        yield f"{in_doubt} orders are in doubt, though nothing was killed"


def _miscounted(told: dict[str, Any], entries: list[Entry]) -> Iterator[str]:
    """Yield where an answer does not say what the journal says."""
    states = Counter(each.state for each in entries)
    unfinished = states[State.PENDING] + states[State.INTENT]
    counted = {
        "rows": ORDERS + 1,
        "rejected": states[State.REJECTED],
        "unknown": states[State.UNKNOWN],
        "done": states[State.CONFIRMED],
        "unprocessed": unfinished + states[State.CREATED],
        "strays": sum(each.strays for each in entries),
    }
    if counted != {name: told[name] for name in counted}:
        yield f"told {told}, but it is {counted}"
