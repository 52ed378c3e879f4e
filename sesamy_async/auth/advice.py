"""Which setting to look at when the token endpoint refuses."""

from __future__ import annotations


_ID = "client_id (SESAMY_CLIENT_ID)"
_SECRET = "client_secret (SESAMY_CLIENT_SECRET)"  # noqa: S105 - its name
_SCOPE = "scope (SESAMY_SCOPE)"

ADDRESS = (
    "Check token_url (SESAMY_TOKEN_URL): something else than Sesamy's token "
    "endpoint seems to answer there."
)
LATER = "Try again later; if it stays so, check token_url (SESAMY_TOKEN_URL)."
EVERYTHING = f"Check {_ID}, {_SECRET} and {_SCOPE}."
_BOTH = f"Check {_ID} and {_SECRET}: they must belong together."

BY_WORDS = (
    (r"client_id.*client_secret|client_secret.*client_id", _BOTH),
    (
        r"client not found|client_id|unknown client",
        f"Check {_ID}.",
    ),
    (r"secret", f"Check {_SECRET}."),
    (r"invalid.client", _BOTH),
    (
        r"unauthorized_client|grant",
        f"Check {_ID}: Sesamy must permit client_credentials for it.",
    ),
    (
        r"scope|access_denied",
        f"Check {_SCOPE}, and ask Sesamy to grant it to this client.",
    ),
    (r"audience|invalid_target", "Check audience."),
    (r"organi[sz]ation", "Check organization."),
)
"""What the words of the answer point to (RFC 6749, A); the first counts."""

BY_STATUS = {
    401: _BOTH,
    403: _BOTH,
    404: ADDRESS,
    405: ADDRESS,
    410: ADDRESS,
}
"""What a status points to whose words say nothing."""
