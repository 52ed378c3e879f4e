"""Under which name a store keeps a token."""

from __future__ import annotations

import json
from hashlib import sha256

from .credentials import ClientCredentials


def store_key(token_url: str, credentials: ClientCredentials) -> str:
    """Return the name under which a store keeps these credentials' token.

    All that the token depends on is in it, but for the secret: a digest
    of that would let a reader of the file guess at it.

    Args:
        token_url: The absolute URL of the token endpoint.
        credentials: Whose token.

    Returns:
        A SHA-256 digest in hexadecimal.

    .. versionadded:: 0.1.0
    """
    parts = [
        token_url,
        credentials.client_id,
        credentials.scope,
        credentials.audience,
        credentials.organization,
    ]
    return sha256(json.dumps(parts).encode()).hexdigest()
