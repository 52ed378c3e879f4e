"""Put the Authorization value on each attempt."""

from __future__ import annotations

import attrs

from sesamy_async.auth.printable import is_header_value, wants_header_value
from sesamy_async.core.auth import Auth
from sesamy_async.core.call import Call, Proceed
from sesamy_async.core.explain import lacks_permission
from sesamy_async.core.outcome import Outcome
from sesamy_async.core.response import Response
from sesamy_async.core.secret import Secret
from sesamy_async.errors import (
    ConfigurationError,
    SesamyError,
    UnauthorizedError,
)


@attrs.frozen(eq=False, repr=False)
class Authorize:
    """Asks the `Auth` for the value, and tells it when it is rejected."""

    auth: Auth

    async def __call__(self, call: Call, proceed: Proceed) -> Response:
        """Send the call with an Authorization value."""
        try:
            value = Secret(await self.auth.authorization(call))
        except SesamyError as failed:
            # Whatever became of its own request: the order was not sent.
            if not failed.outcome.settled:
                failed.outcome = Outcome.NOT_SENT
            raise
        if not is_header_value(value.reveal()):
            who = f"{type(self.auth).__name__}.authorization"
            raise ConfigurationError(wants_header_value(who, value.reveal()))
        request = call.request.authorized(value)
        try:
            return await proceed(attrs.evolve(call, request=request))
        except UnauthorizedError as caught:
            error = caught
        # A new token would be refused just the same.
        if not lacks_permission(error.code, error.headers):
            error.retryable = await self.auth.rejected(value.reveal(), call)
        raise error
