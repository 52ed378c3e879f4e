"""Whether a client is still there."""

from __future__ import annotations

import attrs

from sesamy_async.errors import ConfigurationError


@attrs.define(eq=False, repr=False)
class Lifetime:
    """Whether a client, and with it all its copies, is closed."""

    closed: bool = False

    def check(self) -> None:
        """Refuse what would open connections that nobody closes.

        Raises:
            ConfigurationError: It is closed.
        """
        if self.closed:
            raise ConfigurationError("This client is closed; make a new one.")
