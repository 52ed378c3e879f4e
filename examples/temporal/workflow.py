"""The workflow of an order, which goes on until the order has its contract.

Workflows that run are replayed with the code of the day, so change what they
do only as docs/temporal.md says.
"""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError


with workflow.unsafe.imports_passed_through():
    from . import activities
    from .activities import Reported, Sale

# SENDING, LOOK, OPERATOR, WRONG or CONFIRMED; everybody can read it.
STATE = SearchAttributeKey.for_keyword("SesamyState")
# With no limit of attempts: Sesamy may be down for a day.
RETRIES = RetryPolicy(maximum_interval=timedelta(minutes=5))
# Then it is tried again by itself.  That is safe: an order that is in doubt
# is not sent until somebody has settled it in the store.
HOLD = {"LOOK": timedelta(hours=1), "OPERATOR": timedelta(minutes=5)}


@workflow.defn
class OnboardOrder:
    """One order."""

    def __init__(self) -> None:
        self._held = False

    @workflow.run
    async def run(self, sale: Sale) -> Reported:
        """Report the order, and wait for people where they have to act."""
        while True:
            try:
                reported = await workflow.execute_activity_method(
                    activities.Activities.onboard,
                    sale,
                    retry_policy=RETRIES,
                    heartbeat_timeout=timedelta(seconds=activities.HEARTBEAT),
                    start_to_close_timeout=timedelta(
                        seconds=2 * activities.DEADLINE
                    ),
                )
            except ActivityError as error:
                await self._hold(error)
            else:
                self._show("CONFIRMED")
                return reported
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(sale)
            self._show("SENDING")

    @workflow.update
    def settled(self) -> None:
        """Try again now: somebody has settled what was wrong."""
        self._held = False

    @settled.validator
    def _is_held(self) -> None:
        # It must not be the answer to a question that is asked later.
        if not self._held:
            raise ValueError("The order is not held.")

    async def _hold(self, error: ActivityError) -> None:
        """Wait until it is settled; or fail, if it has to be corrected."""
        why = error.cause
        if not isinstance(why, ApplicationError):
            raise error  # The workflow was cancelled.
        self._show(str(why.type))
        workflow.upsert_memo({"why": why.message})
        if why.type not in HOLD:
            raise error
        self._held = True
        try:
            await workflow.wait_condition(
                lambda: not self._held, timeout=HOLD[why.type]
            )
        except TimeoutError:
            self._held = False

    def _show(self, state: str) -> None:
        workflow.upsert_search_attributes([STATE.value_set(state)])
