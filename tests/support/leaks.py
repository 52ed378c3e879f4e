"""What an error would tell a tool that logs it with all its locals."""

from __future__ import annotations

from collections.abc import Iterator


def told_by(error: BaseException) -> str:
    """Return all that our frames and the chained errors would show.

    The code that attrs and cattrs generate for our classes counts as ours.
    """
    return " ".join(_tell(error))


def _tell(error: BaseException | None) -> Iterator[str]:
    if error is None:
        return
    yield repr(error)
    yield str(error)
    yield repr(vars(error))
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "sesamy_async" in code.co_filename or "<" in code.co_filename:
            yield f"{code.co_name}: {trace.tb_frame.f_locals!r}"
        trace = trace.tb_next
    yield from _tell(error.__cause__)
    yield from _tell(error.__context__)
