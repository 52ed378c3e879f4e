"""What became of a call when Ctrl-C came."""

from __future__ import annotations

import attrs

from sesamy_async.core.call import Call, Proceed
from sesamy_async.core.response import Response
from sesamy_async.errors import SesamyError
from sesamy_async.pipeline import describe


class InterruptionError(SesamyError):
    """Ctrl-C; `outcome` says what became of what was under way."""


@attrs.define
class Watch:
    """A middleware that remembers the latest call."""

    call: Call | None = None

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Let the call go on."""
        self.call = call
        return await proceed(call)

    def interrupted(self, interrupt: KeyboardInterrupt) -> InterruptionError:
        """Return the error that says what became of the latest call."""
        error = InterruptionError("Interrupted.")
        if self.call is not None:
            describe(self.call, error)
        # The SDK's own words for this call are the same as ours.
        known = str(error)
        notes: list[str] = getattr(interrupt, "__notes__", [])
        error.aside = " ".join(note for note in notes if note != known)
        return error
