"""What a command answers when it worked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from .exit_codes import ExitCode


@attrs.frozen
class Answer:
    """The same for people and for machines.

    Attributes:
        headline: What was done, for people; also all that is said where
            the answer can't be written to stdout, so it holds no secret.
        data: The JSON object for machines.
        details: More lines for people.
        code: How the command ended.
    """

    headline: str
    data: Mapping[str, Any]
    details: tuple[str, ...] = ()
    code: ExitCode = ExitCode.DONE

    @property
    def text(self) -> str:
        """All that people are told."""
        return "\n".join([self.headline, *self.details])


@attrs.frozen
class Script(Answer):
    """An answer that is nothing but its text."""

    data: Mapping[str, Any] = attrs.field(factory=dict[str, Any])

    @property
    def text(self) -> str:
        """The script."""
        return "\n".join(self.details)


def rows(**values: object) -> tuple[str, ...]:
    """Return an indented line for each value that is not None."""
    width = max(len(name) for name in values)
    return tuple(
        f"  {name:<{width}}  {value}"
        for name, value in values.items()
        if value is not None
    )
