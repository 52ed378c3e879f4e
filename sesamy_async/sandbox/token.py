"""What a token is good for."""

from __future__ import annotations

import attrs

from sesamy_async.core.secret import Secret


@attrs.frozen(kw_only=True)
class Grant:
    """A token that was given out.

    Attributes:
        token: The token itself.
        client_id: Who asked for it.
        scopes: What it permits.
        expires_at: Unix seconds.
    """

    token: Secret
    client_id: str
    scopes: frozenset[str]
    expires_at: float
