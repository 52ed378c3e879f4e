"""What the service counted, and what that says of the pace."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import attrs

from proof.forking import ChildEnd
from sesamy_async import Outcome, RateLimit

from .fair import Ask, fair_waits
from .job import Kind, Made
from .service import Request


@attrs.frozen(kw_only=True)
class Trial:
    """What came of processes that share a rate.

    Attributes:
        limit: What the service permits.
        start: When the processes began.
        lasts: Seconds in which they began calls.
        answer: Seconds until the service answers.
        requests: That the service counted, the oldest first.
        ends: How the processes ended.
        contracts: By order, as the ledger tells them.
    """

    limit: RateLimit
    start: float
    lasts: float
    answer: float
    requests: tuple[Request, ...]
    ends: tuple[ChildEnd, ...]
    contracts: Mapping[str, Any]

    @property
    def calls(self) -> list[Made]:
        """All calls that have ended."""
        return [each for ended in self.ends for each in ended.said]

    @property
    def failed(self) -> list[Made]:
        """The calls that failed."""
        return [each for each in self.calls if not each.done]

    @property
    def throttled(self) -> int:
        """How many requests were answered with 429."""
        return sum(not _is_taken(each) for each in self.requests)

    def used(self) -> float:
        """Return which share of the permitted requests was made.

        From the first request, when the burst is there, until the processes
        began no more calls.
        """
        if not self.requests:
            return 0.0
        begun, until = self.requests[0].at, self.start + self.lasts
        permitted = self.limit.burst + self.limit.rate * (until - begun)
        return self._taken(begun, until) / permitted

    def used_between(self, since: float, until: float) -> float:
        """Return which share of the rate was used in a time.

        Args:
            since: Seconds from the start.
            until: Seconds from the start.
        """
        taken = self._taken(self.start + since, self.start + until)
        return taken / self.limit.rate / (until - since)

    def _taken(self, since: float, until: float) -> int:
        return sum(
            since <= each.at < until and _is_taken(each)
            for each in self.requests
        )

    def timeline(self) -> list[int]:
        """Return how many requests were taken in each second."""
        seconds = [
            int(it.at - self.start) for it in self.requests if _is_taken(it)
        ]
        return [
            seconds.count(each) for each in range(max(seconds, default=-1) + 1)
        ]

    def waits(self) -> list[tuple[Made, float]]:
        """Return how long each call waited that was done.

        That is from when it was made until the service took the last of its
        requests.
        """
        last = {it.order: it.at for it in self.requests if _is_taken(it)}
        return [
            (each, last[each.order] - each.asked)
            for each in self.calls
            if each.done
        ]

    def longest_wait(self, *, busy: bool | None = None) -> float:
        """Return the longest wait: of all, of busy or of idle processes."""
        return max(
            (wait for it, wait in self.waits() if busy in {None, it.busy}),
            default=0.0,
        )

    def longest_fair_wait(self) -> float:
        """Return the longest wait in one queue for the same calls."""
        asks = [
            Ask(each.asked, each.kind.requests)
            for each in self.calls
            if each.done
        ]
        limit = self.limit
        fair = fair_waits(asks, limit.rate, limit.burst, answer=self.answer)
        return max(fair, default=0.0)

    def unconfirmed(self) -> list[str]:
        """Return the orders that have a contract and give no access."""
        return [
            order
            for order, made in self.contracts.items()
            if not any(each["confirmed"] for each in made)
        ]

    def untrue(self) -> list[str]:
        """Return what calls said that is not so in the ledger."""
        found: list[str] = []
        for each in self.calls:
            made = len(self.contracts.get(each.order, ()))
            none = each.outcome in {Outcome.NOT_SENT, Outcome.REFUSED}
            if (each.done and not made) or (none and made):
                found.append(f"{each}, with {made} contracts")
        return found

    def broken(self) -> list[str]:
        """Return which processes ended in a way that nobody wanted."""
        return [
            f"a process ended with {each.code}"
            for each in self.ends
            if each.code and not each.killed
        ]

    def onboarded(self) -> int:
        """Return how many onboardings were done."""
        return sum(it.done and it.kind is Kind.ONBOARD for it in self.calls)


def _is_taken(request: Request) -> bool:
    return request.status != HTTPStatus.TOO_MANY_REQUESTS
