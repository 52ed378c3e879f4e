"""Something that goes on in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable

import attrs


@attrs.define(eq=False)
class Aside:
    """Begins at once; nobody has to wait for it for ever."""

    _do: Callable[[], object]
    _error: BaseException | None = attrs.field(default=None, init=False)
    _thread: threading.Thread = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        # A daemon, so that one that is stuck lets the process end.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def end(self, patience: float) -> None:
        """Wait for it."""
        self._thread.join(patience)
        if self._thread.is_alive():
            raise TimeoutError("A thread is stuck.")
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._do()
        except BaseException as error:  # noqa: BLE001 - raised by `end`
            self._error = error
