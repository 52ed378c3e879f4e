"""What may stand in a header: pure checks that never raise."""

from __future__ import annotations

import re


_TOKEN = re.compile(r"[!-~]+")
_VALUE = re.compile(r"[!-~]([ -~]*[!-~])?")


def is_token(value: object) -> bool:
    """Say whether this is visible ASCII without a space (RFC 6750)."""
    return isinstance(value, str) and _TOKEN.fullmatch(value) is not None


def is_header_value(value: object) -> bool:
    """Say whether this can be sent whole as a header's value."""
    return isinstance(value, str) and _VALUE.fullmatch(value) is not None


def wants_header_value(who: str, value: object) -> str:
    """Say what should have been returned, without what was."""
    return (
        f"auth= {who} must return the whole Authorization value: a text of "
        "printable ASCII characters, not empty, without line breaks and "
        f"outer spaces; it returned a {type(value).__name__}."
    )
