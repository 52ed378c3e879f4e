"""An answer, read to its end."""

from __future__ import annotations

from typing import Any

import attrs

from .codec import loads
from .headers import Headers


@attrs.frozen(kw_only=True)
class Response:
    """A complete HTTP answer.

    Attributes:
        status_code: The HTTP status.
        headers: Names in any case.
        content: The body after decompression; personal, so in no repr.
        parsed: What the operation read from it, such as a `Contract`.

    .. versionadded:: 0.1.0
    """

    status_code: int
    headers: Headers = attrs.field(factory=Headers, repr=False)
    content: bytes = attrs.field(default=b"", repr=False)
    parsed: Any = attrs.field(default=None, repr=False)

    def json(self) -> Any:
        """Parse the body, whatever its content type says.

        Bytes that are no UTF-8 are replaced rather than refused: a name in
        the wrong charset must not make a created contract unreadable.

        Raises:
            ValueError: It is no JSON, or nested too deeply to be read.  The
                error holds nothing of the body.
        """
        return loads(self.content)
